"""Names that array_api_compat asks for; nothing here transforms."""


def _absent(*args, **kwargs):
    raise NotImplementedError("the double has no transforms")


fft = ifft = fftn = ifftn = rfft = irfft = rfftn = irfftn = hfft = ihfft = _absent
fftfreq = rfftfreq = fftshift = ifftshift = _absent
