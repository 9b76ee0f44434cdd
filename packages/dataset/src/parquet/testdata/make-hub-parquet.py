# Writes hub-pyarrow.parquet as the Hugging Face datasets library writes it through pyarrow. The images are noise.
#   pip install pyarrow==26.0.1 && python make-hub-parquet.py
# Row i has gender i % 2, race i % 7 and age i % 9 in the order of classes below, which differs from Lockstep's order.
# Row 10 has no bytes.
import json, random, struct, zlib
import pyarrow as pa, pyarrow.parquet as pq

random.seed(1)
genders = ["Female", "Male"]
races = ["East Asian", "Indian", "Black", "White", "Middle Eastern", "Latino_Hispanic", "Southeast Asian"]
ages = ["more than 70", "60-69", "50-59", "40-49", "30-39", "20-29", "10-19", "3-9", "0-2"]

def png(side=8):
    rows = b"".join(b"\0" + random.randbytes(3 * side) for _ in range(side))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

count = 12
images = [{"bytes": None if i == 10 else png(), "path": f"{i}.png"} for i in range(count)]
label = lambda names: pa.array([i % len(names) for i in range(count)], pa.int64())
table = pa.table({
    "image": pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    "age": label(ages), "gender": label(genders), "race": label(races),
    "service_test": pa.array([i % 3 == 0 for i in range(count)]),
})
classes = lambda names: {"names": names, "_type": "ClassLabel"}
features = {"image": {"_type": "Image"}, "age": classes(ages), "gender": classes(genders), "race": classes(races),
            "service_test": {"dtype": "bool", "_type": "Value"}}
table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
pq.write_table(table, "hub-pyarrow.parquet", compression="zstd", row_group_size=5, data_page_version="2.0")
