"""What computes behind the service: the models in memory, the queue before them, and the threads they run on."""
