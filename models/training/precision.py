"""How precisely training computes: bfloat16 where the processor has it. Where it has not, it is emulated, at a seventh of the speed of float32 (measured on a
processor with AVX2 alone)."""
import torch


def autocast(device):
    features = getattr(torch.cpu, "get_capabilities", dict)()
    able = device.type != "cpu" or any(features.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=able)
