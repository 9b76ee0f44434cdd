// Creates the FormWriter of each form (createFormWriter).
import { csvWriter, fairfaceWriter } from "./files-writer.js";
import type { FormWriter, FormWriterOptions, WrittenForm } from "./form-writer.js";
import { tarWriter } from "./tar-writer.js";

/** @throws UserError if the form cannot hold the data set */
export async function createFormWriter(to: WrittenForm, options: FormWriterOptions): Promise<FormWriter> {
  switch (to) {
    case "fairface":
      return fairfaceWriter(options);
    case "csv":
      return csvWriter(options);
    case "parquet": {
      // Imported here, so that the other forms do not load its library.
      const { parquetWriter } = await import("./parquet-writer.js");
      return parquetWriter(options);
    }
    case "webdataset":
      return tarWriter(options);
    default:
      return to satisfies never;
  }
}
