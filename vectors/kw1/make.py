#!/usr/bin/env python3
"""Known answers for suite kw1, from an implementation that shares nothing with the TypeScript one.

Straight from the specifications, over hashlib and pyca/cryptography (48 or later, OpenSSL 3.5 or later). `python3 make.py`
rewrites the JSON files beside it (then `npm run format`). Everything is derived from labels, except two things nobody lets a caller choose: the
coins of an ML-KEM encapsulation and those of a hedged ML-DSA signature; those answers are different and as valid each time.
"""
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).parent


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def label(name, length=32):
    """Bytes for an input, nothing up the sleeve: SHAKE-256 of a name."""
    return hashlib.shake_256(b"keepwell vectors/" + name.encode()).digest(length)


def expand(prk, info, length, algorithm="sha256"):  # RFC 5869 2.3
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([i]), algorithm).digest()
        out, i = out + block, i + 1
    return out[:length]


def extract(salt, ikm):  # RFC 5869 2.2
    return hmac.new(salt or bytes(32), ikm, "sha256").digest()


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def write(name, about, **members):
    text = json.dumps({"about": about, **members}, indent=1, default=lambda b: b.hex())
    (HERE / f"{name}.json").write_text(text + "\n")


# FLOE, c2sp.org/FLOE
class Floe:
    def __init__(self, key, iv, aad, segment, rotation):
        self.segment, self.rotation, self.iv, self.aad = segment, rotation, iv, aad
        self.params = bytes([0, 0]) + segment.to_bytes(4, "big") + (32).to_bytes(4, "big")
        self.header = self.params + iv + self.kdf(key, b"HEADER_TAG:", 32)
        self.message_key = self.kdf(key, b"MESSAGE_KEY:", 48)

    def kdf(self, key, purpose, length):
        return expand(key, self.params + self.iv + purpose + self.aad, length, "sha384")

    def seal_segment(self, i, plaintext, nonce, last):
        masked = i >> self.rotation << self.rotation
        key = self.kdf(self.message_key, b"DEK:" + masked.to_bytes(8, "big"), 32)
        sealed = AESGCM(key).encrypt(nonce, plaintext, i.to_bytes(8, "big") + bytes([last]))
        length = 4 + 12 + len(sealed) if last else 0xFFFFFFFF
        return length.to_bytes(4, "big") + nonce + sealed

    def seal(self, plaintext, nonce_of):
        full = self.segment - 32
        count = max(1, -(-len(plaintext) // full))
        cut = [plaintext[i * full : (i + 1) * full] for i in range(count)]
        return [self.seal_segment(i, p, nonce_of(i), i == count - 1) for i, p in enumerate(cut)]


def pattern(length):
    return bytes((7 * i + i // 251) % 256 for i in range(length))


def floe():
    key, aad, iv = label("floe key"), label("floe aad", 23), label("floe iv")
    nonce_of = lambda i: label(f"floe nonce {i}", 12)
    valid, invalid = [], []
    for segment, rotation, lengths in ((64, 2, (0, 1, 31, 32, 33, 64, 96, 300)), (262144, 20, (0, 1, 777))):
        for n in lengths:
            f = Floe(key, iv, aad, segment, rotation)
            valid.append(dict(segment=segment, rotation=rotation, key=key, aad=aad, iv=iv, nonces=[nonce_of(i) for i in range(max(1, -(-n // (segment - 32))))],
                              plaintext=pattern(n), payload=f.header + b"".join(f.seal(pattern(n), nonce_of))))
    large = []
    for n in (262112, 262113, 2 * 262112, 600000):
        f = Floe(key, iv, aad, 262144, 20)
        large.append(dict(key=key, aad=aad, iv=iv, nonces=[nonce_of(i) for i in range(-(-n // 262112))], length=n, sha256=sha256(f.header, *f.seal(pattern(n), nonce_of))))

    def bad(name, code, payload, key=key, aad=aad):
        invalid.append(dict(name=name, code=code, segment=64, rotation=2, key=key, aad=aad, payload=payload))

    f = Floe(key, iv, aad, 64, 2)
    s = f.seal(pattern(120), nonce_of)  # segments of 32, 32, 32 and 24 bytes
    g = Floe(key, label("floe iv of another file"), aad, 64, 2)
    other = g.seal(pattern(120), nonce_of)
    join = lambda *parts: f.header + b"".join(parts)
    flip = lambda b, at: b[:at] + bytes([b[at] ^ 1]) + b[at + 1 :]
    whole = join(*s)
    bad("nothing at all", "TRUNCATED", b"")
    bad("cut within the header", "TRUNCATED", whole[:73])
    bad("header alone", "TRUNCATED", f.header)
    bad("cut at the end of the first segment", "TRUNCATED", join(s[0]))
    bad("cut at the end of the last but one segment", "TRUNCATED", join(*s[:3]))
    bad("cut within the second segment", "TRUNCATED", join(s[0], s[1][:40]))
    bad("cut within the length field", "TRUNCATED", join(s[0], s[1][:3]))
    bad("last byte missing", "TRUNCATED", whole[:-1])
    bad("a byte appended", "OPEN_FAILED", whole + b"\0")
    bad("a whole segment appended", "OPEN_FAILED", whole + s[3])
    bad("two segments swapped", "OPEN_FAILED", join(s[1], s[0], s[2], s[3]))
    bad("a segment repeated", "OPEN_FAILED", join(s[0], s[0], s[2], s[3]))
    bad("a segment left out", "OPEN_FAILED", join(s[0], s[2], s[3]))
    bad("the last segment first", "OPEN_FAILED", join(s[3], s[0], s[1], s[2]))
    bad("a segment of another file under the same key", "OPEN_FAILED", join(s[0], other[1], s[2], s[3]))
    bad("header of another file under the same key", "OPEN_FAILED", g.header + b"".join(s))
    bad("an inner segment relabelled as the last", "OPEN_FAILED", join(s[0], (64).to_bytes(4, "big") + s[1][4:]))
    bad("sealed as inner, offered as last", "OPEN_FAILED", join((64).to_bytes(4, "big") + s[0][4:]))
    for name, at in (("AEAD id", 0), ("KDF id", 1), ("segment length", 5), ("IV length", 9), ("IV", 20), ("header tag", 60), ("length field", 74), ("nonce", 80), ("text", 95), ("tag", 137)):
        bad(f"bit flipped: {name}", "OPEN_FAILED", flip(whole, at))
    bad("another key", "OPEN_FAILED", whole, key=label("another key"))
    bad("another context", "OPEN_FAILED", whole, aad=aad + b"\0")
    write("floe", "FLOE with AES-256-GCM and HKDF-Expand-SHA-384. `nonces` are drawn in order after `iv`. `large`: plaintext byte i = (7i + floor(i / 251)) mod 256; sha256 of the whole payload.",
          valid=valid, large=large, invalid=invalid)


# X-Wing (draft-connolly-cfrg-xwing-kem) and HPKE (RFC 9180)
def xwing_keys(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    pq, dh = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
    return pq, dh, pq.public_key().public_bytes_raw() + raw(dh.public_key())


def xwing_combine(pq_shared, dh_shared, dh_enc, dh_public):
    return hashlib.sha3_256(pq_shared + dh_shared + dh_enc + dh_public + rb"\.//^\\"[:6]).digest()


def xwing_encaps(seed, ephemeral):
    pq, dh, _ = xwing_keys(seed)
    shared, ciphertext = pq.public_key().encapsulate()
    e = x25519.X25519PrivateKey.from_private_bytes(ephemeral)
    dh_enc = raw(e.public_key())
    return xwing_combine(shared, e.exchange(dh.public_key()), dh_enc, raw(dh.public_key())), ciphertext + dh_enc


def hpke_schedule(shared, info):
    suite = b"HPKE" + bytes.fromhex("647a00010002")
    l_extract = lambda salt, name, ikm: extract(salt, b"HPKE-v1" + suite + name + ikm)
    l_expand = lambda prk, name, context, n: expand(prk, n.to_bytes(2, "big") + b"HPKE-v1" + suite + name + context, n)
    context = b"\0" + l_extract(b"", b"psk_id_hash", b"") + l_extract(b"", b"info_hash", info)
    secret = l_extract(shared, b"secret", b"")
    exporter = l_expand(secret, b"exp", context, 32)
    return (l_expand(secret, b"key", context, 32), l_expand(secret, b"base_nonce", context, 12), lambda c, n: l_expand(exporter, b"sec", c, n))


def hpke():
    valid, invalid = [], []
    for i in range(3):
        seed, info = label(f"hpke seed {i}"), label(f"hpke info {i}", 11 * i)
        shared, enc = xwing_encaps(seed, label(f"hpke ephemeral {i}"))
        key, base, export = hpke_schedule(shared, info)
        messages = []
        for n in range(4):
            aad, plaintext = label(f"hpke aad {i} {n}", 5 * n), label(f"hpke plaintext {i} {n}", 32 * n)
            nonce = bytes(a ^ b for a, b in zip(base, n.to_bytes(12, "big")))
            messages.append(dict(aad=aad, plaintext=plaintext, ciphertext=AESGCM(key).encrypt(nonce, plaintext, aad)))
        exports = [dict(context=c, length=n, secret=export(c, n)) for c, n in ((b"", 32), (b"card" + label("id", 16), 32), (b"key" + label("id", 16), 100))]
        valid.append(dict(seed=seed, public=xwing_keys(seed)[2], info=info, enc=enc, shared=shared, messages=messages, exports=exports))
    v = valid[2]
    m = v["messages"][0]

    def bad(name, **changes):
        invalid.append(dict(name=name, code="OPEN_FAILED", **{**dict(seed=v["seed"], info=v["info"], enc=v["enc"], aad=m["aad"], ciphertext=m["ciphertext"]), **changes}))

    flip = lambda b, at: b[:at] + bytes([b[at] ^ 1]) + b[at + 1 :]
    bad("another recipient", seed=valid[1]["seed"])
    bad("another info", info=v["info"] + b"\0")
    bad("another aad", aad=b"\1")
    bad("bit flipped in the ML-KEM ciphertext", enc=flip(v["enc"], 500))
    bad("bit flipped in the X25519 share", enc=flip(v["enc"], 1100))
    bad("X25519 share of low order", enc=v["enc"][:1088] + bytes(32))
    bad("enc one byte short", enc=v["enc"][:-1])
    bad("enc one byte long", enc=v["enc"] + b"\0")
    bad("enc of another encapsulation", enc=valid[1]["enc"])
    bad("bit flipped in the tag", ciphertext=flip(m["ciphertext"], len(m["ciphertext"]) - 1))
    bad("ciphertext shorter than a tag", ciphertext=m["ciphertext"][:15])
    bad("the second message in place of the first", aad=v["messages"][1]["aad"], ciphertext=v["messages"][1]["ciphertext"])
    write("hpke", "HPKE base mode, KEM 0x647a (X-Wing), KDF 0x0001, AEAD 0x0002; `seed` is the X-Wing secret key itself (GenerateKeyPairDerand).", valid=valid, invalid=invalid)


# Protocol section 2
def epoch_tree():
    root = label("epoch root")

    def node(level, index):
        key = root
        for bit in format(index, f"0{level}b") if level else "":
            key = expand(key, b"keepwell/v1/tree/" + bit.encode(), 32)
        return key

    def cover(low, high, level=0, index=0):
        width = 1 << (16 - level)
        first, last = index * width, (index + 1) * width - 1
        if last < low or first > high:
            return []
        if low <= first and last <= high:
            return [dict(level=level, index=index, key=node(level, index))]
        return cover(low, high, level + 1, 2 * index) + cover(low, high, level + 1, 2 * index + 1)

    seeds = [dict(epoch=e, seed=expand(node(16, e), b"keepwell/v1/epoch", 32)) for e in (0, 1, 2, 150, 151, 32767, 32768, 65534, 65535)]
    for s in seeds[:2]:
        s["public"] = xwing_keys(s["seed"])[2]
    covers = [dict(first=a, last=b, nodes=cover(a, b)) for a, b in ((0, 65535), (0, 0), (65535, 65535), (1, 65534), (150, 162), (128, 255), (32767, 32768))]
    write("epoch-tree", "Epoch keys: depth 16, child = HKDF-Expand(parent, 'keepwell/v1/tree/' + '0' or '1'), seed = HKDF-Expand(leaf, 'keepwell/v1/epoch').", root=root, seeds=seeds, covers=covers)


# RFC 9162 2.1, by its recursive definitions
def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha256()
    return sha256(b"\0", d[0]) if len(d) == 1 else sha256(b"\1", mth(d[: split(len(d))]), mth(d[split(len(d)) :]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    return subproof(m, d[:k], b) + [mth(d[k:])] if m <= k else subproof(m - k, d[k:], False) + [mth(d[:k])]


def merkle():
    known = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
    leaves = known + [label(f"leaf {i}", i) for i in range(8, 14)]
    inclusion = [dict(index=i, size=n, path=path(i, leaves[:n])) for n in range(1, 15) for i in range(n)]
    consistency = [dict(m=m, n=n, proof=subproof(m, leaves[:n], True)) for n in range(1, 15) for m in range(1, n + 1)]
    write("merkle", "RFC 9162 trees over the first n leaves (data, not hashes); the first eight are the leaves of the Certificate Transparency test trees.",
          leaves=leaves, roots=[mth(leaves[:n]) for n in range(15)], inclusion=inclusion, consistency=consistency)


def signatures():
    valid, invalid = [], []
    for i in range(3):
        a, b = label(f"ed25519 seed {i}"), label(f"mldsa65 seed {i}")
        ed, ml = ed25519.Ed25519PrivateKey.from_private_bytes(a), mldsa.MLDSA65PrivateKey.from_seed_bytes(b)
        message = label(f"message {i}", 50 * i)
        valid.append(dict(secret=dict(ed25519=a, mldsa65=b), public=dict(ed25519=raw(ed.public_key()), mldsa65=ml.public_key().public_bytes_raw()),
                          message=message, signature=dict(ed25519=ed.sign(message), mldsa65=ml.sign(message))))
    v, w = valid[1], valid[2]
    flip = lambda x, at: x[:at] + bytes([x[at] ^ 1]) + x[at + 1 :]

    def bad(name, **changes):
        invalid.append(dict(name=name, **{**{k: v[k] for k in ("public", "message", "signature")}, **changes}))

    s, p = v["signature"], v["public"]
    with_context = mldsa.MLDSA65PrivateKey.from_seed_bytes(v["secret"]["mldsa65"]).sign(v["message"], b"context")
    bad("another message", message=w["message"])
    bad("another signer", public=w["public"])
    bad("Ed25519 half altered", signature=dict(s, ed25519=flip(s["ed25519"], 0)))
    bad("ML-DSA half altered", signature=dict(s, mldsa65=flip(s["mldsa65"], 0)))
    bad("Ed25519 half by another signer", signature=dict(s, ed25519=ed25519.Ed25519PrivateKey.from_private_bytes(w["secret"]["ed25519"]).sign(v["message"])))
    bad("ML-DSA half by another signer", signature=dict(s, mldsa65=mldsa.MLDSA65PrivateKey.from_seed_bytes(w["secret"]["mldsa65"]).sign(v["message"])))
    bad("ML-DSA half of the same key under a context", signature=dict(s, mldsa65=with_context))
    bad("Ed25519 half short", signature=dict(s, ed25519=s["ed25519"][:63]))
    bad("ML-DSA half missing", signature=dict(s, mldsa65=b""))
    bad("Ed25519 key short", public=dict(p, ed25519=p["ed25519"][:31]))
    bad("ML-DSA key short", public=dict(p, mldsa65=p["mldsa65"][:1951]))
    write("signatures", "Ed25519 and ML-DSA-65 (pure, empty context) over the same message; both must verify. ML-DSA signatures are hedged, so they verify but do not repeat.", valid=valid, invalid=invalid)


# Hand-overs, protocol section 2: EIP-712 over Keccak-256, secp256k1 with RFC 6979
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def keccak256(data):  # FIPS 202 permutation, the padding from before it
    rotate = lambda v, n: (v << n | v >> (64 - n)) & (2**64 - 1) if n else v
    state = [[0] * 5 for _ in range(5)]
    data = data + b"\x01" + bytes(-(len(data) + 1) % 136)
    data = data[:-1] + bytes([data[-1] | 0x80])
    for at in range(0, len(data), 136):
        for i in range(17):
            state[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i : at + 8 * i + 8], "little")
        lfsr = 1
        for _ in range(24):
            c = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
            state = [[state[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, current = 1, 0, state[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, state[x][y] = state[x][y], rotate(current, (t + 1) * (t + 2) // 2 % 64)
            for y in range(5):
                row = [state[x][y] for x in range(5)]
                for x in range(5):
                    state[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & (2**64 - 1))
            for j in range(7):
                lfsr = (lfsr << 1 ^ (lfsr >> 7) * 0x171) % 256
                if lfsr & 2:
                    state[0][0] ^= 1 << (1 << j) - 1
    return b"".join(state[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point=G):
    out = None
    while k:
        out, point, k = add(out, point) if k & 1 else out, add(point, point), k >> 1
    return out


def address(secret):
    x, y = times(int.from_bytes(secret, "big"))
    return "0x" + keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:].hex()


def ecdsa(secret, digest):
    d, z = int.from_bytes(secret, "big"), int.from_bytes(digest, "big")
    seed = secret + (z % N).to_bytes(32, "big")
    v, k = b"\x01" * 32, bytes(32)
    for sep in (b"\x00", b"\x01"):
        k = hmac.new(k, v + sep + seed, "sha256").digest()
        v = hmac.new(k, v, "sha256").digest()
    v = hmac.new(k, v, "sha256").digest()
    nonce = int.from_bytes(v, "big")
    x, y = times(nonce)
    r, s, odd = x % N, pow(nonce, -1, N) * (z + x * d) % N, y & 1
    if s > N // 2:
        s, odd = N - s, odd ^ 1
    return "0x" + (r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd])).hex()


def typed(chain, kind, fields):
    text = lambda v: keccak256(v.encode())
    number = lambda v: v.to_bytes(32, "big")
    domain = "EIP712Domain(string name,string version,uint256 chainId)"
    head = keccak256(text(domain) + text("Keepwell") + text("1") + number(chain))
    encode = {"string": text, "bytes32": lambda v: v, "address": lambda v: bytes(12) + bytes.fromhex(v[2:])}
    named = f"{kind}({','.join(f'{t} {n}' for n, t, _ in fields)})"
    body = keccak256(text(named) + b"".join(encode[t](v) for _, t, v in fields))
    return keccak256(b"\x19\x01" + head + body)


def hand_over():
    chain, other = 0x4B57, 0x4B58
    key = [label(f"hand-over {i}") for i in range(4)]
    who = [address(k) for k in key]
    did = f"did:ethr:{chain:#x}:{who[0]}"
    moved = f"did:ethr:{other:#x}:{who[2]}"
    text = lambda v: head(3, len(v)) + v.encode()
    head = lambda major, n: bytes([major << 5 | n]) if n < 24 else bytes([major << 5 | 24, n])
    maybe = lambda v: b"\xf6" if v is None else head(2, len(v)) + v

    def chain_of(steps, of=did):
        prev, out, hashes = None, [], []
        for secret, seat, controller in steps:
            fields = [("did", "string", of), ("prev", "bytes32", prev or bytes(32)), ("seat", "string", seat), ("controller", "address", controller)]
            out.append({"seat": seat, "controller": controller, "signature": ecdsa(secret, typed(int(of.split(":")[2], 16), "HandOver", fields))})
            prev = sha256(head(4, 5) + text("keepwell/v1/hand-over") + text(of) + maybe(prev) + text(seat) + text(controller))
            hashes.append(prev)
        return out, hashes

    good, hashes = chain_of([(key[0], did, who[1]), (key[1], moved, who[2]), (key[2], moved, who[3])])
    bad = [
        ("the first step is missing", good[1:]),
        ("a step between is missing", [good[0], good[2]]),
        ("in another order", [good[1], good[0], good[2]]),
        ("a step twice", [good[0], good[0], *good[1:]]),
        ("another controller than was signed", [*good[:2], {**good[2], "controller": who[1]}]),
        ("another seat than was signed", [good[0], {**good[1], "seat": f"did:ethr:0x4b59:{who[2]}"}, good[2]]),
        ("signed by the key that comes", chain_of([(key[1], did, who[1])])[0]),
        ("signed by a key that was left", chain_of([(key[0], did, who[1]), (key[0], did, who[2])])[0]),
        ("another DID’s", chain_of([(key[0], did, who[1])], f"did:ethr:{other:#x}:{who[0]}")[0]),
        ("a seat that another key begins", chain_of([(key[0], f"did:ethr:{other:#x}:{who[3]}", who[1])])[0]),
        ("a key that comes back", chain_of([(key[0], did, who[1]), (key[1], did, who[0])])[0]),
        ("a seat that comes back", chain_of([(key[0], moved, who[2]), (key[2], did, who[0])])[0]),
    ]
    forks = chain_of([(key[0], did, who[3])])[0]
    write(
        "hand-over",
        "Changes of the controller of a DID, each signed by the one before it (EIP-712, secp256k1 with RFC 6979). `keys` are of the labels `hand-over 0` to `3`.",
        did=did,
        keys=key,
        valid=[
            {"what": "none", "chain": [], "controller": who[0], "seat": did, "hashes": []},
            {"what": "a rotation", "chain": good[:1], "controller": who[1], "seat": did, "hashes": hashes[:1]},
            {"what": "a rotation, a move to another ledger, a rotation there", "chain": good, "controller": who[3], "seat": moved, "hashes": hashes},
            {"what": "another line from the same key: a fork of the others", "chain": forks, "controller": who[3], "seat": did, "hashes": [chain_of([(key[0], did, who[3])])[1][0]]},
        ],
        invalid=[{"what": what, "chain": steps, "code": "BAD_SIGNATURE"} for what, steps in bad],
    )


if __name__ == "__main__":
    floe(), hpke(), epoch_tree(), merkle(), signatures(), hand_over()
