"""Slopes written out, and those that torch finds by itself."""

import pytest
import torch
from toys import TOY, model

from rhythmvae.groove import WINDOW_STEPS
from rhythmvae.model.pulling import pulled
from rhythmvae.model.vae import DECODERS

K, B = 3, 2


@pytest.mark.parametrize("family", DECODERS)
def test_pulled_slopes_are_those_of_a_backward_pass_each(family):
    torch.manual_seed(0)
    decoder = DECODERS[family](TOY).eval()
    for parameter in decoder.parameters():  # layers begin as the identity, which would hide them
        torch.nn.init.normal_(parameter, std=0.2)
    z, slopes = torch.randn(B, TOY.latent_size), torch.randn(K, B, WINDOW_STEPS, TOY.channels)
    mask = torch.ones(B, WINDOW_STEPS)
    mask[1, 20:] = 0
    out, pull = pulled(decoder, z, mask)
    here = z.clone().requires_grad_(True)
    with torch.enable_grad():
        expected = decoder(here, mask)
    torch.testing.assert_close(out, expected.detach(), rtol=1e-4, atol=1e-4)
    found = pull(slopes)
    assert found.shape == (K, B, TOY.latent_size)
    for own, slope in zip(found, slopes, strict=True):
        (by_torch,) = torch.autograd.grad(expected, here, slope, retain_graph=True)
        torch.testing.assert_close(own, by_torch, rtol=1e-3, atol=1e-3 * float(by_torch.abs().max()))


def test_nothing_that_is_pulled_keeps_a_graph():
    _, pull = pulled(model().decoder, torch.randn(1, TOY.latent_size), torch.ones(1, WINDOW_STEPS))
    assert not pull(torch.ones(1, 1, WINDOW_STEPS, TOY.channels)).requires_grad
