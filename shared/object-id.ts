/**
 * The identity of an object, from the name somebody gave it: what is no letter, digit, or one of `_ + . -` becomes `_`.
 * It enters keys of the table, addresses of pages and ids of points, and taking it twice changes nothing.
 */
export function objectIdOf(name: string): string {
  return name
    .trim()
    .replace(/[^\p{L}\p{N}_+.-]+/gu, '_')
    .slice(0, 80)
}
