#!/usr/bin/env python3
"""Reads a page file, and verifies every checksum on the way. Written from docs/format.md alone; the numbers in brackets are its sections.

    read.py FILE

Prints JSON lines. Bytes are told in hexadecimal. First the file and what is in its slots; then each state that a good meta leads to, the newest first:
its number, its buckets, each before those in it, with their keys in order, and how many pages it reaches. Where something is not as it must be, the last line
says so, and the exit status is 1.
"""

import json
import struct
import sys

# XXH3-64, as its specification has it: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md.

MASK = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX_1, MX_2 = 0x165667919E3779F9, 0x9FB21C651E98DF25
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
STRIPE = 64
STRIPES_IN_BLOCK = (len(SECRET) - STRIPE) // 8


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def rotate(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


def avalanche(h):
    h ^= h >> 37
    h = h * MX_1 & MASK
    return h ^ (h >> 32)


def avalanche_64(h):
    h ^= h >> 33
    h = h * P64_2 & MASK
    h ^= h >> 29
    h = h * P64_3 & MASK
    return h ^ (h >> 32)


def mix_16(data, at, secret_at, seed):
    low = u64(data, at) ^ (u64(SECRET, secret_at) + seed & MASK)
    high = u64(data, at + 8) ^ (u64(SECRET, secret_at + 8) - seed & MASK)
    return fold(low, high)


def xxh3(data, seed=0):
    n = len(data)
    if n > 240:
        return xxh3_long(data, seed)
    if n > 128:
        total = n * P64_1
        total += sum(mix_16(data, 16 * i, 16 * i, seed) for i in range(8))
        total = avalanche(total & MASK)
        total += sum(mix_16(data, 16 * i, 16 * (i - 8) + 3, seed) for i in range(8, n // 16))
        total += mix_16(data, n - 16, 136 - 17, seed)
        return avalanche(total & MASK)
    if n > 16:
        total = n * P64_1
        for i in range((n - 1) // 32 + 1):
            total += mix_16(data, 16 * i, 32 * i, seed)
            total += mix_16(data, n - 16 * (i + 1), 32 * i + 16, seed)
        return avalanche(total & MASK)
    if n > 8:
        low = u64(data, 0) ^ ((u64(SECRET, 24) ^ u64(SECRET, 32)) + seed & MASK)
        high = u64(data, n - 8) ^ ((u64(SECRET, 40) ^ u64(SECRET, 48)) - seed & MASK)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return avalanche(n + swapped + high + fold(low, high) & MASK)
    if n > 3:
        seed ^= int.from_bytes((seed & 0xFFFFFFFF).to_bytes(4, "little"), "big") << 32
        flip = (u64(SECRET, 8) ^ u64(SECRET, 16)) - seed & MASK
        h = (u32(data, n - 4) + (u32(data, 0) << 32)) ^ flip
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * MX_2 & MASK
        h ^= (h >> 35) + n
        h = h * MX_2 & MASK
        return h ^ (h >> 28)
    if n > 0:
        joined = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return avalanche_64(joined ^ ((u32(SECRET, 0) ^ u32(SECRET, 4)) + seed & MASK))
    return avalanche_64(seed ^ u64(SECRET, 56) ^ u64(SECRET, 64))


def xxh3_long(data, seed):
    secret = SECRET
    if seed:
        words = struct.unpack("<24Q", SECRET)
        signs = (word - seed if i % 2 else word + seed for i, word in enumerate(words))
        secret = struct.pack("<24Q", *(word & MASK for word in signs))
    # The eight words of the secret that a stripe meets, for each place of the stripe in its block.
    keys = [struct.unpack_from("<8Q", secret, 8 * i) for i in range(STRIPES_IN_BLOCK)]
    last_key = struct.unpack_from("<8Q", secret, len(secret) - STRIPE - 7)
    scramble_key = struct.unpack_from("<8Q", secret, len(secret) - STRIPE)
    lanes = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]

    def accumulate(at, key):
        for i, word in enumerate(struct.unpack_from("<8Q", data, at)):
            mixed = word ^ key[i]
            lanes[i ^ 1] += word
            lanes[i] = lanes[i] + (mixed & 0xFFFFFFFF) * (mixed >> 32) & MASK

    n = len(data)
    # The last stripe is always read from the end, so it is none of these.
    for i in range((n - 1) // STRIPE):
        place = i % STRIPES_IN_BLOCK
        accumulate(i * STRIPE, keys[place])
        if place == STRIPES_IN_BLOCK - 1:
            for lane in range(8):
                word = lanes[lane] & MASK
                lanes[lane] = (word ^ (word >> 47) ^ scramble_key[lane]) * P32_1 & MASK
    accumulate(n - STRIPE, last_key)
    total = n * P64_1
    for i in range(4):
        left = lanes[2 * i] & MASK ^ u64(secret, 11 + 16 * i)
        right = lanes[2 * i + 1] & MASK ^ u64(secret, 11 + 16 * i + 8)
        total += fold(left, right)
    return avalanche(total & MASK)


# The file.

MAGIC = b"\x89SAPWOOD"
FORMAT = 1
SLOTS = (0, 4096)
SLOT_LEN = 512
LEAF, BRANCH, VALUE = 1, 2, 3
MAX_LEVEL = 63
IN_RUN, BUCKET = 0xFFFF, 0xFFFE
GROUP = 4
IS_LOG = 0x80


class Wrong(Exception):
    """Something is not as docs/format.md says."""


def demand(is_right, what):
    if not is_right:
        raise Wrong(what)


class Fields:
    """Bytes, read one field after the other; to read behind their end is wrong."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def bytes(self, n):
        demand(self.at + n <= len(self.data), f"{self.what}: a field lies behind its end")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, n):
        return int.from_bytes(self.bytes(n), "little")

    def numbers(self, *lengths):
        return [self.number(n) for n in lengths]

    def zeros(self, n):
        demand(not any(self.bytes(n)), f"{self.what}: what must be zero is not")

    def reference(self):
        """A reference [3], or None where it is all zeros."""
        page, pages, checksum = self.numbers(8, 4, 8)
        if pages == 0:
            demand(page == 0 and checksum == 0, f"{self.what}: a reference without a page")
            return None
        return page, pages, checksum


class Meta:
    """What a slot says [2]."""

    def __init__(self, slot):
        fields = Fields(slot, "slot")
        demand(fields.bytes(8) == MAGIC, "slot: no magic")
        demand(len(slot) == SLOT_LEN, "slot: the file ends in it")
        demand(xxh3(slot[:504]) == u64(slot, 504), "slot: its checksum is not right")
        version = fields.number(4)
        demand(version == FORMAT, f"slot: format {version}")
        self.page_size, self.commit, self.pages = fields.numbers(4, 8, 8)
        size = self.page_size
        demand(512 <= size <= 65536 and size & (size - 1) == 0, f"slot: page size {size}")
        demand(self.commit < 1 << 63, "slot: commit number")
        self.root = fields.reference()
        self.buckets, runs, stretches, inline, self.chain = fields.numbers(8, 1, 1, 2, 8)
        self.is_log = bool(stretches & IS_LOG)
        stretches &= ~IS_LOG
        demand(stretches <= 4 and (stretches or not self.is_log), "slot: number of stretches")
        journal = 12 + 20 * stretches if stretches else 0
        demand(12 * runs + inline + journal <= 432, "slot: what it has is too long")
        self.first_page = -(-8192 // size)
        self.runs = [fields.numbers(8, 4) for _ in range(runs)]
        end = self.first_page
        for first, pages in self.runs:
            demand(first >= end and pages > 0, "slot: its runs are not ascending and apart")
            end = first + pages
        demand(end <= self.pages, "slot: a run lies behind its pages")
        # The tree of buckets, where it lies in the slot.
        self.inline = fields.bytes(inline)
        demand(not (self.inline and self.root), "slot: two trees of buckets")
        self.group, self.page = fields.numbers(8, 4) if stretches else (0, 0)
        self.stretches = [fields.numbers(8, 4, 8) for _ in range(stretches)]
        for first, pages, _ in self.stretches:
            demand(first >= self.first_page and pages > 0, "slot: a stretch of no pages")
            demand(first + pages <= self.pages, "slot: a stretch lies behind its pages")
        fields.zeros(504 - fields.at)


class State:
    """The state of one meta, read from the bytes of the file."""

    def __init__(self, data, meta):
        self.data, self.meta = data, meta
        self.reached = set()

    def is_all_there(self):
        """Whether the file is long enough, and what the commit wrote is in it [8]."""
        meta, size = self.meta, self.meta.page_size
        if len(self.data) < meta.pages * size:
            return False
        chain = 0
        for first, pages in meta.runs:
            for page in range(first, first + pages):
                found = xxh3(self.data[page * size : (page + 1) * size])
                chain = xxh3(chain.to_bytes(8, "little") + found.to_bytes(8, "little"))
        return not meta.runs or chain == meta.chain

    def run(self, reference):
        """The bytes that a reference leads to [3], which nothing else has led to before."""
        page, pages, checksum = reference
        end = page + pages
        demand(self.meta.first_page <= page and end <= self.meta.pages, f"page {page}: no such run")
        demand(self.reached.isdisjoint(range(page, end)), f"page {page}: reached twice")
        self.reached.update(range(page, end))
        size = self.meta.page_size
        data = self.data[page * size : end * size]
        demand(xxh3(data) == checksum, f"page {page}: its checksum is not the one in its parent")
        return data

    def value(self, reference, length):
        """A value in a run of its own [5]."""
        what = f"page {reference[0]}"
        fields = Fields(self.run(reference), what)
        demand(fields.number(1) == VALUE, f"{what}: it is no value")
        fields.zeros(7)
        demand(fields.number(8) <= self.meta.commit, f"{what}: it is of a later commit")
        value = fields.bytes(length)
        fields.zeros(len(fields.data) - fields.at)
        return value

    def node(self, data, what, level=None):
        """The level and the entries of a leaf or branch [4]: (key, value) or (key, reference)."""
        fields = Fields(data, what)
        kind, found, zero, count, commit, used, prefix, more = fields.numbers(
            1, 1, 2, 4, 8, 4, 2, 2
        )
        demand(kind == (LEAF if found == 0 else BRANCH), f"{what}: neither leaf nor branch")
        demand(found <= MAX_LEVEL and level in (None, found), f"{what}: level {found}")
        demand(zero == more == 0 and count > 0, f"{what}: its header")
        demand(commit <= self.meta.commit, f"{what}: it is of a later commit")
        slots = [fields.numbers(4, 4) for _ in range(count)]
        entries = []
        for slot, _ in slots:
            demand(slot == fields.at, f"{what}: an entry is not where it must be")
            entries.append(self.leaf_entry(fields) if found == 0 else self.branch_entry(fields))
        demand(fields.at == used, f"{what}: its entries do not end where it says")
        fields.zeros(len(data) - used)
        keys = [key for key, _ in entries]
        demand(all(a < b for a, b in zip(keys, keys[1:])), f"{what}: its keys do not ascend")
        demand(found == 0 or keys[0] == b"", f"{what}: its first child has a key")
        told = keys[found > 0 :]
        shared = 0
        if told:
            ends = list(zip(told[0], told[-1]))
            shared = next((i for i, (a, b) in enumerate(ends) if a != b), len(ends))
        demand(prefix == shared, f"{what}: its keys do not share what it says")
        heads = [int.from_bytes(key[prefix : prefix + 4].ljust(4, b"\0"), "big") for key in told]
        heads = [0] * (found > 0) + heads
        demand([head for _, head in slots] == heads, f"{what}: a head is not that of its key")
        return found, entries

    def leaf_entry(self, fields):
        key_length, length = fields.numbers(2, 2)
        key = fields.bytes(key_length)
        if length == IN_RUN:
            length = fields.number(8)
            return key, ("run", fields.reference(), length)
        if length == BUCKET:
            return key, ("bucket", fields.reference(), *fields.numbers(8, 8, 8))
        return key, ("value", fields.bytes(length))

    def branch_entry(self, fields):
        reference = fields.reference()
        return fields.bytes(fields.number(2)), reference

    def tree(self, reference):
        """The entries of all leaves of a tree, in order [4]."""
        waiting = [(reference, None, b"", None)]
        while waiting:
            reference, level, low, high = waiting.pop()
            demand(reference is not None, "a child is missing")
            what = f"page {reference[0]}"
            level, entries = self.node(self.run(reference), what, level)
            # The first key of a branch stands for the bound that its parent has.
            keys = [key for key, _ in entries[level > 0 :]]
            demand(all(low <= key for key in keys), f"{what}: a key below its parent's")
            demand(high is None or all(key < high for key in keys), f"{what}: a key above its parent's")
            if level == 0:
                yield from entries
                continue
            lows = [low] + keys
            highs = keys + [high]
            children = [(child, level - 1) for _, child in entries]
            waiting += reversed([(*c, l, h) for c, l, h in zip(children, lows, highs)])

    def entries(self, reference):
        return list(self.tree(reference)) if reference else []

    def gather(self):
        """Everything that the trees hold [6]: by the path of each bucket its keys and its number; each bucket before those in it."""
        meta = self.meta
        if meta.inline:
            level, top = self.node(meta.inline, "slot")
            used = u32(meta.inline, 16)
            demand(level == 0 and used == len(meta.inline), "slot: its tree of buckets is no leaf")
        else:
            top = self.entries(meta.root)
        kinds = [value[0] for _, value in top]
        demand(all(kind == "bucket" for kind in kinds), "the tree of buckets holds a value")
        demand(len(top) == meta.buckets, "the meta has another number of buckets")
        found = {}
        # A list and no recursion: nothing bounds how deep buckets lie.
        waiting = [((name,), value) for name, value in reversed(top)]
        while waiting:
            path, (_, root, keys, buckets, sequence) = waiting.pop()
            names = [name.hex() for name in path]
            demand(len(path[-1]) <= 1024, f"bucket {names}: its name is too long")
            entries = self.entries(root)
            below = [((*path, name), value) for name, value in entries if value[0] == "bucket"]
            values = {}
            for key, value in entries:
                if value[0] == "value":
                    values[key] = value[1]
                elif value[0] == "run":
                    values[key] = self.value(value[1], value[2])
            demand(len(below) == buckets, f"bucket {names}: another number of buckets")
            demand(len(entries) == keys + buckets, f"bucket {names}: another number of keys")
            found[path] = [values, buckets, sequence]
            waiting += reversed(below)
        return found

    def pages(self, first, count):
        size = self.meta.page_size
        return self.data[first * size : (first + count) * size]

    def header(self, index, page):
        """The header of a group at a page of a stretch [15], if there is one: stretch, group, page, pages, records, checksum."""
        stretches = self.meta.stretches
        if index >= len(stretches) or page >= stretches[index][1]:
            return None
        data = self.pages(stretches[index][0] + page, 1)
        fields = Fields(data, "group")
        kind, _, records, stretch, group, at, pages, checksum, own = fields.numbers(
            1, 3, 4, 8, 8, 4, 4, 8, 8
        )
        if kind != GROUP or xxh3(data[:40]) != own:
            return None
        return stretch, group, at, pages, records, checksum

    def records(self):
        """The records of all groups, in order [15]."""
        meta = self.meta
        index, page, group = 0, meta.page, meta.group
        records = []
        while meta.stretches:
            for place in ((index, page), (index + 1, 0)):
                found = self.header(*place)
                if found is None:
                    continue
                first, length, number = meta.stretches[place[0]]
                stretch, its_group, at, pages, count, checksum = found
                data = self.pages(first + place[1], pages)[48:]
                is_next = (stretch, its_group, at) == (number, group, place[1])
                if is_next and 0 < pages <= length - at and xxh3(data) == checksum:
                    break
            else:
                break
            fields = Fields(data, "group")
            records += [fields.bytes(fields.number(4)) for _ in range(count)]
            index, page, group = place[0], at + pages, group + 1
        for later in range(index, len(meta.stretches)):
            for at in range(page if later == index else 0, meta.stretches[later][1]):
                found = self.header(later, at)
                is_behind = found and (found[0], found[2]) == (meta.stretches[later][2], at)
                demand(not is_behind or found[1] <= group, "a group is damaged, with others behind it")
        return records

    def replay(self, buckets):
        """Does what the log says [17], and gives the number of the state."""
        commit = self.meta.commit
        for record in self.records() if self.meta.is_log else []:
            fields = Fields(record, "record")
            kind, follows, number = fields.numbers(1, 8, 8)
            demand(kind == 1 and follows < number < 1 << 63, "record: its header")
            if number <= self.meta.commit:
                continue
            demand(follows == commit, "record: what it follows is not there")
            commit = number
            bucket = None
            while fields.at < len(record):
                step = fields.number(1)
                if step == 1:
                    names = fields.number(4)
                    path = tuple(fields.bytes(fields.number(4)) for _ in range(names))
                    demand(path in buckets, "record: its bucket is not there")
                    bucket = buckets[path]
                    continue
                demand(bucket is not None and step in (2, 3, 4), "record: a step")
                if step == 2:
                    key, value = fields.numbers(4, 4)
                    key = fields.bytes(key)
                    bucket[0][key] = fields.bytes(value)
                elif step == 3:
                    bucket[0].pop(fields.bytes(fields.number(4)), None)
                else:
                    bucket[2] = fields.number(8)
        return commit

    def tell(self, slot):
        """Tells everything that the state holds."""
        meta = self.meta
        buckets = self.gather()
        commit = self.replay(buckets)
        tell(state=commit, slot=slot, page_size=meta.page_size, pages=meta.pages)
        for path, (values, below, sequence) in buckets.items():
            names = [name.hex() for name in path]
            tell(bucket=names, keys=len(values), buckets=below, sequence=sequence)
            for key in sorted(values):
                tell(key=key.hex(), value=values[key].hex())
        tell(whole=commit, reached=len(self.reached))


def tell(**line):
    print(json.dumps(line, separators=(",", ":")))


def read(data):
    """Tells what the file holds [8]."""
    tell(bytes=len(data))
    metas = []
    for at in SLOTS:
        try:
            metas.append((Meta(data[at : at + SLOT_LEN]), at))
        except Wrong as wrong:
            tell(slot=at, wrong=str(wrong))
    # Of two with the same number, the one without runs first.
    metas.sort(key=lambda found: (-found[0].commit, len(found[0].runs)))
    is_any = False
    for meta, at in metas:
        state = State(data, meta)
        if not state.is_all_there():
            tell(slot=at, wrong="what its commit wrote is not all there")
            continue
        is_any = True
        state.tell(at)
    demand(is_any, "no slot leads to a state")


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        read(data)
    except Wrong as wrong:
        tell(error=str(wrong))
        sys.exit(1)


if __name__ == "__main__":
    main()
