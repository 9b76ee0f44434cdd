// skipReporter: a reporter for node:test that writes one line for each skipped test, `name: reason`. test.mjs reads
// them.
export default async function* skipReporter(events) {
  for await (const { type, data } of events) {
    if ((type === "test:pass" || type === "test:fail") && data.skip !== undefined) {
      yield `${data.name}: ${data.skip === true ? "no reason given" : data.skip}\n`;
    }
  }
}
