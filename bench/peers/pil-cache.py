"""PIL's job of `npm run bench:cache`: reads the label files, hashes each image, decodes, crops and resizes it with PIL,
and writes all pixels into one file. Prints the number of images and the peak memory as JSON."""

import argparse
import csv
import hashlib
import io
import json
import multiprocessing
import os
import resource
import tempfile

from PIL import Image, ImageOps


def rows_of(data):
    for part in ("train", "val"):
        with open(os.path.join(data, f"fairface_label_{part}.csv"), newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield os.path.join(data, row["file"])


def decode(task):
    path, size, draft = task
    with open(path, "rb") as file:
        encoded = file.read()
    digest = hashlib.sha256(encoded).digest()
    with Image.open(io.BytesIO(encoded)) as image:
        if draft:
            image.draft("RGB", (size, size))  # the decoder scales down by 2, 4 or 8, as with libvips
        image = ImageOps.exif_transpose(image).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        resized = image.resize((size, size), Image.BILINEAR, box=(left, top, left + side, top + side))
        return digest, resized.tobytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draft", action="store_true")
    flags = parser.parse_args()
    tasks = [(path, flags.image_size, flags.draft) for path in rows_of(flags.data)]
    digests = []
    with tempfile.TemporaryFile() as out:

        def write(results):
            for digest, pixels in results:
                digests.append(digest)
                out.write(pixels)

        if flags.processes == 1:
            write(map(decode, tasks))
        else:
            with multiprocessing.Pool(flags.processes) as pool:
                write(pool.imap(decode, tasks, chunksize=64))
        out.flush()
        os.fsync(out.fileno())
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest child
    peak = own + (child * flags.processes if flags.processes > 1 else 0)
    print(json.dumps({"images": len(digests), "peakMebibytes": peak / 1024}))


main()
