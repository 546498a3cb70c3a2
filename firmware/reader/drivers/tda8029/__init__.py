"""The TDA8029, a coupler that speaks T=0 and T=1 by itself (NXP AN10207)."""
