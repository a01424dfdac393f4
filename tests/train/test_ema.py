"""The running average of weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from liveseg.train.ema import average_of, update


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def test_it_follows_the_formula(network):
    average = average_of(network)
    expected = network[0].weight.detach().clone()
    for step in range(5):
        with torch.no_grad():
            network[0].weight += 1.0
        update(average, network, 0.4, step)
        decay = min(0.4, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network[0].weight.detach()
    torch.testing.assert_close(average[0].weight, expected)


def test_without_decay_it_is_the_network(network):
    average = average_of(network)
    network(torch.randn(2, 3, 4, 4)).sum().backward()
    torch.optim.SGD(network.parameters(), 0.1).step()
    update(average, network, 0.0, 100)
    for name, tensor in network.state_dict().items():
        assert torch.equal(average.state_dict()[name], tensor), name


def test_statistics_are_averaged_and_counters_are_copied(network):
    average = average_of(network)
    network(torch.randn(8, 3, 4, 4) + 5)
    update(average, network, 0.5, 1000)
    assert average[1].num_batches_tracked == 1
    torch.testing.assert_close(average[1].running_mean, network[1].running_mean / 2)


def test_it_never_learns_and_never_trains(network):
    average = average_of(network.train())
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
