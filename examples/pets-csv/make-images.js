// @ts-check Draws images of pets, because this repository contains no photographs. The colour of a disc depends on the
// species, and its size on the weight.
//
//   node examples/pets-csv/make-images.js FOLDER
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import sharp from "sharp";

const species = /** @type {const} */ ([
  ["cat", [200, 140, 60]],
  ["dog", [90, 60, 40]],
  ["rabbit", [210, 210, 220]],
]);
const side = 32;
const parts = { train: 48, val: 12 };

const [folder = "pets"] = process.argv.slice(2);
const rows = ["file,split,species,weight_kg"];
for (const [part, count] of Object.entries(parts)) {
  await mkdir(join(folder, part), { recursive: true });
  for (let i = 0; i < count; i++) {
    const number = part === "train" ? i : parts.train + i;
    const [name, colour] = species[number % species.length] ?? species[0];
    const weight = 1 + ((number * 7) % 20);
    const file = `${part}/${i}.png`;
    const image = sharp(pixelsOf(number, colour, weight), { raw: { width: side, height: side, channels: 3 } });
    await writeFile(join(folder, file), await image.png().toBuffer());
    rows.push(`${file},${part},${name},${weight}`);
  }
}
await writeFile(join(folder, "labels.csv"), `${rows.join("\n")}\n`);

/**
 * @param {number} number each image has another number, and so other pixels
 * @param {readonly number[]} colour
 * @param {number} weight
 */
function pixelsOf(number, colour, weight) {
  const radius = 3 + weight / 2;
  const [x0, y0] = [side / 2 + (number % 5) - 2, side / 2 + (number % 3) - 1];
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const [x, y, channel] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3];
    const grain = (number * 31 + x * 7 + y * 13 + channel * 5) % 16;
    return Math.hypot(x - x0, y - y0) <= radius ? (colour[channel] ?? 0) + grain : 40 + ((number * 11) % 60) + grain;
  });
}
