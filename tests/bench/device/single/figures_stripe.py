"""A swipe of a card whose three tracks are full: from an ASIC's bits, and from times between flux reversals."""

import json
from array import array

from measure import figure, report

from reader.iso7811 import track


def run() -> None:
    with open("/rom/stripe.json") as file:
        recorded = json.load(file)
    out = bytearray(107)
    scratch = bytearray(track.SCRATCH)
    bits = [(bytes.fromhex(data), n) for data, n in recorded["bits"]]
    times = [array("H", bytes.fromhex(data)) for data in recorded["times"]]

    def read_bits() -> int:
        return sum([track.read_bits_into(bits[i][0], bits[i][1], i + 1, out) & track.LENGTH for i in range(3)])

    def read_times() -> int:
        return sum(
            [track.read_times_into(times[i], len(times[i]), i + 1, out, scratch) & track.LENGTH for i in range(3)]
        )

    report("stripe.bits.characters", read_bits())
    figure("stripe.bits", read_bits)
    report("stripe.edges.characters", read_times())
    figure("stripe.edges", read_times)
