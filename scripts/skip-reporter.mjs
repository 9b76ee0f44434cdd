// A reporter for node:test: a line for each skipped test, `name: reason`. test.mjs fails on them where tools are required.
export default async function* skipReporter(events) {
  for await (const { type, data } of events) {
    if ((type === "test:pass" || type === "test:fail") && data.skip !== undefined) {
      yield `${data.name}: ${data.skip === true ? "no reason given" : data.skip}\n`;
    }
  }
}
