"""Sources that come at their own pace: cameras, network streams, raw frames on standard input, files played as live."""
