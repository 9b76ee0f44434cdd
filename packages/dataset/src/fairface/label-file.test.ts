import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { LabelRepairs } from "../labels/label-repairs.js";
import { recordingLog, warningsOf } from "../testing/made-folder.js";
import { fairfaceLabels } from "./fairface-labels.js";
import { type LabelFileOptions, parseLabelFile } from "./label-file.js";

const header = "file,age,gender,race,service_test";

function errorMessage(text: string, options: LabelFileOptions = {}): string {
  try {
    parseLabelFile("labels.csv", text, fairfaceLabels, options);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new Error("the label file was accepted");
}

describe("a label file", () => {
  test("is read for any order of columns, any line ends, and with or without blanks and a byte order mark", () => {
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

  test("is refused without a needed column, and the message names the columns that it has", () => {
    assert.equal(
      errorMessage("file,age,sex,race\ntrain/1.jpg,3-9,Male,White\n"),
      'labels.csv, line 1: column "gender" missing, found "file", "age", "sex", "race"; the header must have file, gender, race, age; if these columns have other names here, give the names with --columns',
    );
  });

  test("is refused with an unknown or empty label, and the message has the line and the expected values", () => {
    assert.equal(
      errorMessage(`${header}\na.jpg,3-9,Male,White,True\nb.jpg,3-9,Male,Martian,True\n`),
      'labels.csv, line 3: unknown race "Martian"; expected one of White, Black, Latino_Hispanic, East Asian, Southeast Asian, Indian, Middle Eastern',
    );
    assert.match(
      errorMessage(`${header}\na.jpg,3-9,,White,True\n`),
      /^labels.csv, line 2: no gender; expected one of Male, Female$/,
    );
  });

  test("is refused with a label that is the name of a property of every JavaScript object", () => {
    assert.match(
      errorMessage(`${header}\na.jpg,constructor,Male,White,True\n`),
      /unknown age "constructor"; expected one of 0-2/,
    );
  });

  test("is refused with a misspelled label or one in another letter case, and the message has the nearest class; blanks around a label are ignored", () => {
    for (const [text, meant] of [
      ["male", "Male"],
      ["Femal", "Female"],
    ] as const) {
      const expected = `labels.csv, line 2: unknown gender "${text}" (did you mean "${meant}"?); expected one of Male, Female`;
      assert.equal(errorMessage(`${header}\na.jpg,3-9,${text},White,True\n`), expected);
    }
    assert.match(errorMessage(`${header}\na.jpg,3-9,Male,latino hispanic,True\n`), /did you mean "Latino_Hispanic"\?/);
    const [row] = parseLabelFile("labels.csv", `${header}\na.jpg, 3-9 ,\tMale ,White,True\n`, fairfaceLabels);
    assert.deepEqual(row?.labels, { gender: 0, race: 0, ageBin: 1 });
  });

  test("is refused with dates that a spreadsheet made of ages, and the message has the cause and the flag; with repairs it is read", () => {
    const rows = ["03-Sep", "9-Mar", "Oct-19", "3-9"].map((age, index) => `${index}.jpg,${age},Male,White,True`);
    const text = [header, ...rows].join("\n");
    assert.equal(
      errorMessage(text),
      'labels.csv, line 2: age "03-Sep" is a date that a spreadsheet made of "3-9"; restore the label file as published, ' +
        "or accept such labels (--repair-labels)",
    );
    const repairs = new LabelRepairs();
    const ages = parseLabelFile("labels.csv", text, fairfaceLabels, { repairs }).map(({ labels }) => labels["ageBin"]);
    assert.deepEqual(ages, [1, 1, 2, 1]);
    const log = recordingLog();
    repairs.report(log);
    assert.deepEqual(warningsOf(log), [
      "repaired 3 labels that a spreadsheet had turned into dates (03-Sep -> 3-9, 9-Mar -> 3-9, Oct-19 -> 10-19)",
    ]);
  });

  test("is refused with a date that a spreadsheet may have made of two classes, even with repairs", () => {
    const classes = ["1-10", "10-19"];
    const schema = { name: "ages", fields: [{ kind: "class", name: "age", column: "age", classes }] } as const;
    const read = (age: string) =>
      parseLabelFile("labels.csv", `file,age\na.jpg,${age}\n`, schema, { repairs: new LabelRepairs() })[0]?.labels[
        "age"
      ];
    assert.equal(read("Oct-19"), 1);
    assert.throws(
      () => read("2019-10-01"),
      /age "2019-10-01" is a date that a spreadsheet made of "1-10" or "10-19"; restore the label file as published$/,
    );
  });

  test("is refused if it names an image twice, and the message has both lines and the label that differs", () => {
    assert.match(
      errorMessage(`${header}\na.jpg,3-9,Male,White,True\nb.jpg,3-9,Male,White,True\n./a.jpg,3-9,Female,White,True\n`),
      /line 4: image "a.jpg" is already named on line 2, with another gender \(Female here, Male there\); delete the wrong row$/,
    );
    assert.match(
      errorMessage(`${header}\na.jpg,3-9,Male,White,True\na.jpg,3-9,Male,White,False\n`),
      /line 3: image "a.jpg" is already named on line 2, with the same labels; delete one of the two rows$/,
    );
  });

  test("is read with columns in another letter case and with other names of the images' column, and the log names them", () => {
    for (const name of ["file_name", "filename", "path", "image", "File", "PATH"]) {
      const log = recordingLog();
      const text = `${name},Age,GENDER,race\na.jpg,3-9,Male,White\n`;
      assert.equal(parseLabelFile("labels.csv", text, fairfaceLabels, { log })[0]?.file, "a.jpg");
      assert.deepEqual(log.lines, [
        {
          level: "info",
          message: "read columns under other names",
          fields: { labelFile: "labels.csv", columns: { file: name, age: "Age", gender: "GENDER" } },
        },
      ]);
    }
    assert.match(
      errorMessage("path,image,age,gender,race\na.jpg,b.jpg,3-9,Male,White\n"),
      /line 1: columns "path" and "image" could both be "file"; rename one of them to "file"/,
    );
    assert.match(errorMessage("file,age,age,gender,race\n"), /column "age" appears twice; rename or delete one/);
    const [row] = parseLabelFile("l.csv", "path,file,age,gender,race\nx,a.jpg,3-9,Male,White\n", fairfaceLabels);
    assert.equal(row?.file, "a.jpg");
  });

  test("is read with any line ends, and with semicolons or tabs", () => {
    const plain = parseLabelFile(
      "l.csv",
      `${header}\na.jpg,3-9,Male,White,TRUE\nb.jpg,0-2,Female,Black,x\n`,
      fairfaceLabels,
    );
    assert.equal(plain.length, 2);
    for (const end of ["\r\n", "\r", "\n\n"]) {
      for (const separator of [",", ";", "\t"]) {
        const lines = [header, "a.jpg,3-9,Male,White,TRUE", "b.jpg,0-2,Female,Black,x"]
          .join(end)
          .replaceAll(",", separator);
        const rows = parseLabelFile("l.csv", lines, fairfaceLabels);
        assert.deepEqual(
          rows.map(({ file, labels }) => ({ file, labels })),
          plain.map(({ file, labels }) => ({ file, labels })),
        );
        if (end !== "\n\n")
          assert.deepEqual(
            rows.map(({ line }) => line),
            [2, 3],
          );
      }
    }
  });

  test("may begin with a spreadsheet's sep= line, which gives the separator and counts as a line", () => {
    const rows = ["a.jpg;3-9;Male;White;TRUE", "b.jpg;0-2;Female;Black;x"].map((line) => line.replaceAll(";", "|"));
    const lines = [header.replaceAll(",", "|"), ...rows];
    for (const [first, separator] of [
      ["sep=;", ";"],
      ["SEP=,", ","],
      ["\uFEFFsep=\t", "\t"],
      ['"sep=;"', ";"],
      ["sep=|", "|"],
    ] as const) {
      for (const end of ["\n", "\r\n", "\r"]) {
        const text = [first, ...lines.map((line) => line.replaceAll("|", separator))].join(end);
        const found = parseLabelFile("l.csv", text, fairfaceLabels);
        assert.deepEqual(
          found.map(({ file, line }) => ({ file, line })),
          [
            { file: "a.jpg", line: 3 },
            { file: "b.jpg", line: 4 },
          ],
          JSON.stringify(first),
        );
      }
    }
    assert.match(
      errorMessage(`sep=;\n${header.replaceAll(",", ";")}\na.jpg;3-9;Mail;White;x\n`),
      /^labels.csv, line 3: unknown gender/,
    );
    assert.match(
      errorMessage(`sep=;\n${header.replaceAll(",", ";")}\na.jpg;3-9\n`),
      /^labels.csv: not a readable CSV file: .*line 3/,
    );
    assert.match(errorMessage("sep=;\nfile;age\n"), /^labels.csv, line 2: columns "gender", "race" missing/);
  });

  test("is refused with an invisible character in a label, and the message shows the character", () => {
    assert.match(errorMessage(`${header}\na.jpg,3-9,Ma\u200ble,White,x\n`), /unknown gender "Ma\\u200ble"/);
    assert.match(errorMessage(`${header}\na.jpg,3-9,Male,East\u00a0Asian,x\n`), /unknown race "East\\u00a0Asian"/);
  });

  test("may have bars as separators, and a comma in a quoted name does not separate", () => {
    const text = `${header.replaceAll(",", "|")}|"a, b, c, d, e, f"\na.jpg|3-9|Male|White|x|y\n`;
    assert.equal(parseLabelFile("l.csv", text, fairfaceLabels)[0]?.file, "a.jpg");
  });

  test("is refused with a row of a million commas, or of a million lines in quotation marks, before the row is read completely", () => {
    assert.equal(
      errorMessage(`${header}\n${",".repeat(1e6)}`),
      "labels.csv, line 2: has more than 1000 columns; correct that line",
    );
    assert.match(
      errorMessage(`${header}\n"${"\n".repeat(1e6)}"`),
      /not a readable CSV file: Max Record Size: .* at line /,
    );
  });

  test("is refused with very long values, and the message shortens them", () => {
    const long = "x".repeat(50_000);
    for (const text of [
      `${header}\n${"a,".repeat(1e6)}`,
      `${header}\n"${"line\n".repeat(1e5)}"`,
      `${header}\na.jpg,${long},Male,White,True\n`,
      `${header}\n../${long},3-9,Male,White,True\n`,
      `${header}\na.jpg,"3-9\nMale",Male,White,True\n`,
      long,
    ]) {
      assert.ok(errorMessage(text).length < 500, errorMessage(text));
    }
  });

  test("is refused with paths that lead out of the data folder", () => {
    for (const file of ["../secret.jpg", "/etc/passwd", "train/../../x.jpg", "train\\1.jpg", ".", "a\u0007b.jpg"]) {
      assert.match(errorMessage(`${header}\n${file},3-9,Male,White,True\n`), /is not a path inside the data folder/);
    }
    assert.match(errorMessage(`${header}\n,3-9,Male,White,True\n`), /line 2: column "file" names no image/);
  });

  test("is refused with a row of another length, with an open quotation mark or without rows", () => {
    assert.match(errorMessage(`${header}\na.jpg,3-9,Male\n`), /labels.csv: not a readable CSV file: .*line 2/);
    assert.match(errorMessage(`${header}\n"a.jpg,3-9,Male,White,True\n`), /not a readable CSV file/);
    assert.match(errorMessage(""), /holds no rows/);
    assert.match(errorMessage(`${header}\n`), /holds no rows/);
  });
});
