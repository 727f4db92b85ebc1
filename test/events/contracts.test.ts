import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { contracts } from '#events/contracts.ts'
import { schemaFile, schemaText } from '#events/write-schemas.ts'

const events = join(import.meta.dirname, '..', '..', 'events')
const read = (folder: string, file: string) => JSON.parse(readFileSync(join(events, folder, file), 'utf8'))
const rows = Object.entries(contracts).map(([name, contract]) => ({ name, contract }))
const examples = rows.flatMap(({ name, contract }) => contract.examples.map(example => ({ name, contract, example })))

describe('the contracts', () => {
  test.each(rows)('the schema of $name is in step with its contract (node events/write-schemas.ts)', row => {
    const { name, contract } = row
    expect(read('schemas', schemaFile(name, contract))).toEqual(JSON.parse(schemaText(name, contract)))
  })

  test.each(examples)('$example keeps the contract $name', ({ contract, example }) => {
    const value = read('examples', `${example}.json`)
    expect(contract.schema.parse(value)).toEqual(value)
  })

  test.each(examples)('$example keeps the published schema of $name, says another validator', row => {
    const { name, contract, example } = row
    const ajv = new Ajv2020.default({ allErrors: true })
    addFormats.default(ajv)
    const valid = ajv.validate(read('schemas', schemaFile(name, contract)), read('examples', `${example}.json`))
    expect([valid, ajv.errors]).toEqual([true, null])
  })

  test('no schema lies about that belongs to nothing', () => {
    expect(readdirSync(join(events, 'schemas')).sort()).toEqual(
      rows.map(({ name, contract }) => schemaFile(name, contract)).sort(),
    )
  })
})
