import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fairfaceClasses } from "../fairface/fairface-labels.js";
import { classesTurnedInto } from "./spreadsheet-dates.js";

describe("a date that a spreadsheet made of a class name", () => {
  const formats: Readonly<Record<string, readonly string[]>> = {
    "3-9": [
      ...[
        "03-Sep",
        "3-Sep",
        "9-Mar",
        "09-Mar",
        "Sep-3",
        "Sep-03",
        "Mar-09",
        "3 Sep",
        "3. Sep",
        "03/sep",
        "3-September",
      ],
      ...["9/3/2024", "3/9/24", "03.09.2024", "2024-09-03", "2024-03-09 00:00:00", "2024-03-09T00:00", "3-Sep-2024"],
    ],
    "10-19": ["Oct-19", "19-Oct", "Oct-2019", "2019-10-01", "10/19/2024", "1.10.2019", "01-Oct-19", "October 19"],
  };

  for (const [name, texts] of Object.entries(formats)) {
    test(`leads back to ${name} in ${texts.length} formats`, () => {
      for (const text of texts) assert.deepEqual(classesTurnedInto(text, fairfaceClasses.ageBin), [name], text);
    });
  }

  test("leads to no class if no class can have become that date", () => {
    for (const text of [
      "04-Sep",
      "Oct-20",
      "20-29",
      "3-9",
      "",
      "Sep",
      "9-Foo",
      "13/13/2024",
      "2024-09-03 12:30",
      "99-Sep-1",
    ]) {
      assert.deepEqual(classesTurnedInto(text, fairfaceClasses.ageBin), [], text);
    }
    assert.deepEqual(classesTurnedInto("03-Sep", fairfaceClasses.race), []);
  });

  test("leads to both classes if two classes may have become it", () => {
    assert.deepEqual(classesTurnedInto("03-Sep", ["3-9", "9-3", "other"]), ["3-9", "9-3"]);
  });
});
