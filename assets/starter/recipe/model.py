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


class JoinedAttention(AttnProcessor):
    """Self-attention in which the `views` pictures of one object, neighbours in the batch, read each other (MVDream)."""

    views = 1

    def __call__(self, attn, hidden_states, *args, **kw):
        batch, length, channels = hidden_states.shape
        joined = hidden_states.reshape(batch // self.views, self.views * length, channels)
        return super().__call__(attn, joined, *args, **kw).reshape(batch, length, channels)


def join_views(unet):
    """Give the UNet's self-attention layers (attn1, at every resolution) one JoinedAttention, which is returned."""
    joined, plain = JoinedAttention(), AttnProcessor()
    unet.set_attn_processor({name: joined if name.endswith("attn1.processor") else plain for name in unet.attn_processors})
    return joined


class Starter(nn.Module):
    """Text encoder, UNet and both ControlNets, trained together. `rows` is the size of the compact token table."""

    def __init__(self, rows):
        super().__init__()
        self.text = CLIPTextModel(text_config(rows, 0, 1))
        nn.init.normal_(self.text.get_input_embeddings().weight, std=0.1)
        self.unet = calm(make_unet())
        self.control = nn.ModuleDict({name: calm(make_control()) for name in CONTROLS})
        # plain matrix products: their backward is faster on CPUs at these sizes
        for net in self.control.values():
            net.set_attn_processor(AttnProcessor())
        self.joined = join_views(self.unet)
        self.steering = True  # the ControlNets are trained too

    def forward(self, noisy, t, tokens, hints, views=1):
        """Predict v (B, 4, 32, 32).

        noisy (B, 4, 32, 32), t (B,) int, tokens (B, 77) compact rows. `hints` has per control (rows (n,) int, pictures
        (n, 3, 256, 256) in [0, 1]): the batch rows that it steers, so that no branch runs on other rows. The batch holds
        groups of `views` pictures of one object.
        """
        self.joined.views = views
        context = self.text(input_ids=tokens).last_hidden_state
        residuals = self.residuals(noisy, t, context, hints) if self.steering else torch.no_grad()(self.residuals)(noisy, t, context, hints)
        if residuals is None:
            return self.unet(noisy, t, context).sample
        return self.unet(noisy, t, context, down_block_additional_residuals=tuple(residuals[:-1]), mid_block_additional_residual=residuals[-1]).sample

    def freeze_control(self):
        """Train the text encoder and the UNet only: two thirds of the time, where the controls need nothing new."""
        self.control.requires_grad_(False)
        self.steering = False

    def residuals(self, noisy, t, context, hints):
        """The ControlNets' residuals, summed, with zeros in the rows without a hint; None where no row has one."""
        total = None
        for name, (rows, pictures) in hints.items():
            if not len(rows):
                continue
            down, mid = self.control[name](noisy[rows], t[rows], context[rows], pictures, return_dict=False)
            placed = [blank(r, len(noisy)).index_copy(0, rows, r) for r in (*down, mid)]
            total = placed if total is None else [a + b for a, b in zip(total, placed)]
        return total


def blank(like, rows):
    """Zeros (rows, C, H, W), channels last, of the type of `like` (n, C, H, W)."""
    return torch.zeros(rows, *like.shape[1:], dtype=like.dtype).contiguous(memory_format=torch.channels_last)


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
