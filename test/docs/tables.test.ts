import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tables, withTables } from '../../docs/tables.ts'

test.each([...new Set(tables.map(table => table.file))])('docs/%s prints its tables as the code has them', file => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', file), 'utf8')
  expect(withTables(file, text)).toBe(text)
})
