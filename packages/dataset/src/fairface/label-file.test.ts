import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { fairfaceLabels } from "./fairface-labels.js";
import { parseLabelFile } from "./label-file.js";

const header = "file,age,gender,race,service_test";

function complaint(text: string): string {
  try {
    parseLabelFile("labels.csv", text, fairfaceLabels);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new Error("the label file was accepted");
}

describe("a label file", () => {
  test("its rows become class indexes, whatever the order of the columns, line ends, byte order mark and blanks", () => {
    const rows = [{ file: "train/1.jpg", line: 2, labels: { gender: 1, race: 4, ageBin: 8 } }];
    assert.deepEqual(
      parseLabelFile("labels.csv", `${header}\ntrain/1.jpg,more than 70,Female,Southeast Asian,True\n`, fairfaceLabels),
      rows,
    );
    assert.deepEqual(
      parseLabelFile(
        "labels.csv",
        "\uFEFFrace, gender ,file,age\r\nSoutheast Asian,Female, ./train/1.jpg,more than 70\r\n\r\n",
        fairfaceLabels,
      ),
      rows,
    );
  });

  test("a missing column is named beside those that were found", () => {
    assert.equal(
      complaint("file,age,sex,race\ntrain/1.jpg,3-9,Male,White\n"),
      'labels.csv, line 1: column "gender" missing, found "file", "age", "sex", "race"; the header must name file, gender, race, age',
    );
  });

  test("an unknown or empty label is named with its line and what was expected", () => {
    assert.equal(
      complaint(`${header}\na.jpg,3-9,Male,White,True\nb.jpg,3-9,Male,Martian,True\n`),
      'labels.csv, line 3: unknown race "Martian"; expected one of White, Black, Latino_Hispanic, East Asian, Southeast Asian, Indian, Middle Eastern',
    );
    assert.match(
      complaint(`${header}\na.jpg,3-9,,White,True\n`),
      /^labels.csv, line 2: no gender; expected one of Male, Female$/,
    );
  });

  test("a label that is a property of every object is unknown like any other", () => {
    assert.match(
      complaint(`${header}\na.jpg,constructor,Male,White,True\n`),
      /unknown age "constructor"; expected one of 0-2/,
    );
  });

  test("ages that a spreadsheet turned into dates are recognised", () => {
    assert.match(
      complaint(`${header}\na.jpg,03-Sep,Male,White,True\n`),
      /line 2: age "03-Sep" is what a spreadsheet made of "3-9"/,
    );
    assert.match(
      complaint(`${header}\na.jpg,Oct-19,Male,White,True\n`),
      /"Oct-19" is what a spreadsheet made of "10-19"/,
    );
  });

  test("an image named twice is refused with both lines", () => {
    assert.match(
      complaint(`${header}\na.jpg,3-9,Male,White,True\nb.jpg,3-9,Male,White,True\n./a.jpg,3-9,Female,White,True\n`),
      /line 4: image "a.jpg" already stands on line 2/,
    );
  });

  test("paths that leave the data folder are refused", () => {
    for (const file of ["../secret.jpg", "/etc/passwd", "train/../../x.jpg", "train\\1.jpg"]) {
      assert.match(complaint(`${header}\n${file},3-9,Male,White,True\n`), /is not a path inside the data folder/);
    }
    assert.match(complaint(`${header}\n,3-9,Male,White,True\n`), /line 2: no image named in column "file"/);
  });

  test("rows of another length, open quotes and files without rows are refused", () => {
    assert.match(complaint(`${header}\na.jpg,3-9,Male\n`), /labels.csv: not a readable CSV file: .*line 2/);
    assert.match(complaint(`${header}\n"a.jpg,3-9,Male,White,True\n`), /not a readable CSV file/);
    assert.match(complaint(""), /holds no rows/);
    assert.match(complaint(`${header}\n`), /holds no rows/);
  });
});
