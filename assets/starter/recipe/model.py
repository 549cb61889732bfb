"""The networks, built from diffusers' own classes, and the joint forward used in training.

Sizes: pictures 256² -> latents (4, 32, 32); text (77, 128); UNet levels 32² / 16² / 8² with 64 / 128 / 160 channels and
cross-attention at 16² and 8².
"""
import torch
from diffusers import AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

CONTEXT = 128
LENGTH = 77
VOCABULARY = 49408
LATENT = 32
CONTROLS = ("lines", "depth")
LEVELS = dict(
    block_out_channels=(64, 128, 160), layers_per_block=1, cross_attention_dim=CONTEXT, norm_num_groups=16, attention_head_dim=4,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
)


def text_config(vocabulary=VOCABULARY, bos=49406, eos=49407):
    return CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=CONTEXT, intermediate_size=4 * CONTEXT, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=LENGTH, projection_dim=CONTEXT, hidden_act="quick_gelu", bos_token_id=bos, eos_token_id=eos, pad_token_id=eos,
    )


def make_unet():
    return UNet2DConditionModel(sample_size=LATENT, up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), **LEVELS)


def make_control():
    return ControlNetModel(conditioning_embedding_out_channels=(8, 16, 32, 64), **LEVELS)


def make_vae():
    """Autoencoder whose blocks start as the identity and whose other convolutions keep the signal's size."""
    width = (64,) * 4
    net = AutoencoderTiny(encoder_block_out_channels=width, decoder_block_out_channels=width, num_encoder_blocks=(0, 1, 3, 4),
                          num_decoder_blocks=(6, 8, 2, 0), scaling_factor=1.0)
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if name.endswith("conv.4"):
                nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.constant_(net.decoder.layers[-1].bias, 0.5)
    return net


def calm(net):
    """Start every residual branch at zero, so that a fresh net is the identity and large learning rates are safe."""
    for name, module in net.named_modules():
        if name.endswith(("conv2", "proj_out", "conv_out")) and hasattr(module, "weight") and "controlnet_cond_embedding" not in name:
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    return net


class Starter(nn.Module):
    """Text encoder, UNet and both ControlNets, trained together. `rows` is the size of the compact token table."""

    def __init__(self, rows):
        super().__init__()
        self.text = CLIPTextModel(text_config(rows, 0, 1))
        nn.init.normal_(self.text.get_input_embeddings().weight, std=0.1)
        self.unet = calm(make_unet())
        self.control = nn.ModuleDict({name: calm(make_control()) for name in CONTROLS})
        for net in (self.unet, *self.control.values()):
            net.set_attn_processor(AttnProcessor())  # plain matrix products: their backward is faster on CPUs at these sizes

    def forward(self, noisy, t, tokens, lines, depth, lines_rows, depth_rows):
        """Predict v (B, 4, 32, 32).

        noisy (B, 4, 32, 32), t (B,) int, tokens (B, 77) compact rows; lines and depth are hints (n, 3, 256, 256) in [0, 1]
        for the batch rows in the slices `lines_rows` and `depth_rows`, so that no branch runs on rows it does not steer.
        """
        context = self.text(input_ids=tokens).last_hidden_state
        batch = len(noisy)
        total = None
        for name, hint, rows in (("lines", lines, lines_rows), ("depth", depth, depth_rows)):
            if rows.stop <= rows.start:
                continue
            down, mid = self.control[name](noisy[rows], t[rows], context[rows], hint, return_dict=False)
            padded = [nn.functional.pad(r, (0, 0, 0, 0, 0, 0, rows.start, batch - rows.stop)) for r in (*down, mid)]
            total = padded if total is None else [a + b for a, b in zip(total, padded)]
        if total is None:
            return self.unet(noisy, t, context).sample
        return self.unet(noisy, t, context, down_block_additional_residuals=tuple(total[:-1]), mid_block_additional_residual=total[-1]).sample


def alphas():
    """Signal and noise scale for each of the 1000 steps, (1000,) each: SD's scaled-linear schedule, rescaled to end in
    pure noise (Lin et al., arXiv 2305.08891). Without that, the mean colour of a 32² latent can still be read at the
    last step: the net learns to find it there, and not in the text, and sampling from noise gives random colours.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root.float(), (1 - root**2).sqrt().float()


def channels_last(net):
    return net.to(memory_format=torch.channels_last)
