# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes inputs out of sound ones: small harms, joints, repetition, and pieces that parsers stumble over. Seeded."""

from __future__ import annotations

import random
from collections.abc import Sequence

PIECES = (
    b"\x00", b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\r\n", b"\n", b"\r", b"\\", b'"', b"'", b"`", b"$", b" ", b"\t", b"=", b"#", b";", b":", b",",
    b"-", b"--", b"../", b"/", b"{{ 7*7 }}", b"{% raw %}", b"\x1b[31m", b"\x1b]0;x\x07", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"0", b"-1", b"9" * 30,
    b"9" * 4500, b"1e999", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b"[" * 200, b"{" * 200, b'{"a":' * 1200, b"[" * 6000, b"a" * 300,
    b" " * 300, b"\n" * 100, b"token=", b"password: ", b"://u:p@", b"Bearer ", b"MSG a 1 ", b"HMSG a 1 12 12\r\n", b"PING\r\n", b"+OK\r\n", b"&a [", b"*a",
    b"? ", b"| ", b"!!python/object:os.system ", b"<<: ", b"%YAML 1.1", b"panicked at ", b"ERROR ", b"Metrics: ", b"level=",
)  # fmt: skip
LONGEST = 1 << 13
# One in so many inputs is blown up to as much as a payload or a journal line may hold.
HUGE_EVERY, HUGE = 5000, 1 << 20


class Mutator:
    """The same seed gives the same inputs. `keep` takes one that led somewhere new in among those that are harmed."""

    def __init__(self, sound: Sequence[bytes], seed: int) -> None:
        self.random = random.Random(seed)
        self.pool = list(sound)
        self.sound_ones = tuple(self.pool)
        self.sound = len(self.pool)
        self.made = 0

    def keep(self, data: bytes) -> None:
        if len(self.pool) < self.sound + 500:
            self.pool.append(data)
        else:
            self.pool[self.random.randrange(self.sound, len(self.pool))] = data

    def next(self) -> bytes:
        self.made += 1
        chosen = self.random
        data = bytearray(chosen.choice(self.pool))
        for _harm in range(1 + int(chosen.expovariate(0.5))):
            _HARMS[chosen.randrange(len(_HARMS))](chosen, data, self.pool)
        del data[LONGEST:]
        if self.made % HUGE_EVERY == 0 and data:
            piece = bytes(data)
            data = bytearray((piece * (HUGE // len(piece) + 1))[:HUGE])
        return bytes(data)


def _at(chosen: random.Random, data: bytearray) -> int:
    return chosen.randrange(len(data) + 1)


def _span(chosen: random.Random, data: bytearray) -> slice:
    begin = _at(chosen, data)
    return slice(begin, begin + int(chosen.expovariate(0.1)))


def _flip(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    if data:
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)


def _byte(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    if data:
        data[chosen.randrange(len(data))] = chosen.randrange(256)


def _piece(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    at = _at(chosen, data)
    data[at:at] = chosen.choice(PIECES)


def _over(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    data[_span(chosen, data)] = chosen.choice(PIECES)


def _cut(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    del data[_span(chosen, data)]


def _end(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    del data[_at(chosen, data) :]


def _again(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    piece = bytes(data[_span(chosen, data)])
    at = _at(chosen, data)
    data[at:at] = piece * (1 + int(chosen.expovariate(0.2)))


def _swap(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    one, other = _span(chosen, data), _span(chosen, data)
    data[one], data[other] = data[other], data[one]


def _join(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    other = chosen.choice(pool)
    begin = chosen.randrange(len(other) + 1)
    at = _at(chosen, data)
    data[at:at] = other[begin : begin + 400]


def _number(chosen: random.Random, data: bytearray, pool: list[bytes]) -> None:
    digits = [at for at, code in enumerate(data[:4096]) if 48 <= code <= 57]
    if digits:
        at = chosen.choice(digits)
        data[at : at + 1] = chosen.choice((b"0", b"-1", b"99999999999999999999", b"1.5", b"1e400", b"x"))


_HARMS = (_flip, _byte, _piece, _over, _cut, _end, _again, _swap, _join, _number)
