"""The contactless payment cards of the two kernels, by what is remarkable about them."""

from mpos.bench.cards.contactless.personalities import (
    answers,
    authentication,
    choice,
    interrupted,
    qvsdc,
    unionpay,
)

ENTRIES = (
    *unionpay.ENTRIES,
    *qvsdc.ENTRIES,
    *authentication.ENTRIES,
    *choice.ENTRIES,
    *interrupted.ENTRIES,
    *answers.ENTRIES,
)
