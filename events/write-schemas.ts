/**
 * Writes `events/schemas/` from the contracts, for those who do not read TypeScript: `node events/write-schemas.ts`.
 * A test fails where a schema is out of step with its contract.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Contract, contracts } from './contracts.ts'

/** The JSON Schema (2020-12) of a contract, as text. */
export function schemaText(name: string, { schema, version }: Contract): string {
  // as input: a reader of today lets through the fields that a later version adds
  const described = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' })
  const { $schema, ...rest } = described
  return `${JSON.stringify({ $schema, $id: `urn:cpcs:schema:${name}:${version}`, ...rest }, null, 2)}\n`
}

/** The file that a contract's schema is kept in, within `events/schemas/`. */
export function schemaFile(name: string, { version }: Contract): string {
  return `${name}-${version}.schema.json`
}

if (import.meta.main)
  for (const [name, contract] of Object.entries(contracts))
    writeFileSync(join(import.meta.dirname, 'schemas', schemaFile(name, contract)), schemaText(name, contract))
