// Finds the class names that a spreadsheet may have turned into a date (classesTurnedInto). Spreadsheets turn class
// names like 3-9 and 10-19 into dates in many formats.
//
// A spreadsheet reads A-B as day and month, as month and day, or as month and year (then day 1). So 3-9 becomes 03-Sep,
// 9-Mar or 9/3/2024, and 10-19 becomes Oct-19, 19-Oct or 2019-10-01. The meaning of A and B depends on the country, so
// pairs of numbers are compared without regard to their order.

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const longMonths = [
  ...["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"],
  "december",
];

const midnight = String.raw`(?:[T ]0?0:00(?::00(?:\.0+)?)?)?`;
const [separator, year] = [String.raw`[-/.\s]\s*`, String.raw`(\d{4}|\d{2})`];
const numberMonth = new RegExp(`^(\\d{1,4})${separator}([a-z]+)\\.?$`, "i");
const monthNumber = new RegExp(`^([a-z]+)\\.?${separator}(\\d{1,4})$`, "i");
const dayMonthYear = new RegExp(`^(\\d{1,2})${separator}([a-z]+)\\.?,?${separator}${year}${midnight}$`, "i");
const yearFirst = new RegExp(`^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})${midnight}$`);
const yearLast = new RegExp(`^(\\d{1,2})[-/.](\\d{1,2})[-/.]${year}${midnight}$`);

const longestDate = 40;

/** Returns the class names that a spreadsheet may have turned into this text. */
export function classesTurnedInto(text: string, classes: readonly string[]): string[] {
  if (text.length > longestDate) return [];
  const pairs = new Set(pairsOf(text));
  return pairs.size === 0 ? [] : classes.filter((name) => pairs.has(pairOfClass(name)));
}

/** Returns an empty text if a spreadsheet does not change the name. */
function pairOfClass(name: string): string {
  const [, first, second] = /^(\d{1,2})-(\d{1,2})$/.exec(name) ?? [];
  return first === undefined || second === undefined ? "" : pair(Number(first), Number(second));
}

/** Returns the pairs of numbers that this date may have been made from. */
function pairsOf(text: string): string[] {
  const [, number, afterNumber] = numberMonth.exec(text) ?? [];
  if (number !== undefined && afterNumber !== undefined) return ofMonthAndNumber(afterNumber, number);
  const [, beforeNumber, lastNumber] = monthNumber.exec(text) ?? [];
  if (beforeNumber !== undefined && lastNumber !== undefined) return ofMonthAndNumber(beforeNumber, lastNumber);
  const [, day, name, nameYear] = dayMonthYear.exec(text) ?? [];
  if (day !== undefined && name !== undefined) return ofDate(monthNamed(name), Number(day), Number(nameYear));
  const [, isoYear, isoMonth, isoDay] = yearFirst.exec(text) ?? [];
  if (isoYear !== undefined) return ofDate(Number(isoMonth), Number(isoDay), Number(isoYear));
  const [, first, second, lastYear] = yearLast.exec(text) ?? [];
  if (first === undefined) return [];
  const [a, b, c] = [Number(first), Number(second), Number(lastYear)];
  return [...ofDate(a, b, c), ...ofDate(b, a, c)];
}

/** The number is a day, or a year of two or four digits. */
function ofMonthAndNumber(name: string, number: string): string[] {
  const month = monthNamed(name);
  if (month === 0) return [];
  if (number.length <= 2) return [pair(month, Number(number))];
  return number.length === 4 ? [pair(month, Number(number) % 100)] : [];
}

function ofDate(month: number, day: number, year: number): string[] {
  if (month < 1 || month > 12 || day < 1 || day > 31) return [];
  return day === 1 ? [pair(month, day), pair(month, year % 100)] : [pair(month, day)];
}

/** Returns 1 to 12; 0 if the name is not a month. */
function monthNamed(name: string): number {
  const lower = name.toLowerCase();
  return 1 + Math.max(months.indexOf(lower), longMonths.indexOf(lower));
}

function pair(a: number, b: number): string {
  return `${Math.min(a, b)} ${Math.max(a, b)}`;
}
