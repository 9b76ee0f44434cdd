// Creates the FormWriter of each form (createFormWriter).
import { csvWriter, fairfaceWriter } from "./files-writer.js";
import type { FormWriter, FormWriterOptions, WrittenForm } from "./form-writer.js";
import { tarWriter } from "./tar-writer.js";

/** @throws UserError where the form cannot hold such a data set */
export async function createFormWriter(to: WrittenForm, options: FormWriterOptions): Promise<FormWriter> {
  switch (to) {
    case "fairface":
      return fairfaceWriter(options);
    case "csv":
      return csvWriter(options);
    case "parquet": {
      const { parquetWriter } = await import("./parquet-writer.js"); // its library is loaded only here
      return parquetWriter(options);
    }
    case "webdataset":
      return tarWriter(options);
    default:
      return to satisfies never;
  }
}
