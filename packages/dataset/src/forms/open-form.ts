// Creates the source that reads a form (openForm). A new form needs a case here and a kind in data-form.ts.
import type { DatasetSource } from "../dataset.js";
import { fairfaceFolder } from "../fairface/fairface-folder.js";
import { csvFiles } from "../files/csv-files.js";
import { tarShards } from "../webdataset/tar-shards.js";
import type { DataForm } from "./data-form.js";
import type { FormOptions } from "./form-options.js";

export async function openForm(form: DataForm, options: FormOptions): Promise<DatasetSource> {
  switch (form.kind) {
    case "fairface":
      return fairfaceFolder(form.folder, options);
    case "csv":
      return csvFiles(form.folder, form.files, options);
    case "parquet": {
      // Imported only here, because loading the Parquet libraries takes a tenth of a second.
      const { parquetShards } = await import("../parquet/parquet-shards.js");
      return parquetShards(form.folder, form.files, options);
    }
    case "webdataset":
      return tarShards(form.folder, form.files, options);
    default:
      return form satisfies never;
  }
}
