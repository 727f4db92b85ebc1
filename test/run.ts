/**
 * The test command: type check, lint and every test, then one closing line with the real counts.
 * Node 24 comes with the development dependencies; anything else would run other code than the cloud does.
 */
import { spawnSync } from 'node:child_process'
import { startVitest } from 'vitest/node'

if (!process.version.startsWith('v24.')) {
  console.error(`Node 24 is needed, this is ${process.version}: run it through npm ("npm test").`)
  process.exit(1)
}

let passed = 0
let failed = 0

for (const [title, command, args] of [
  ['type check', 'tsc', ['-p', '.']],
  ['lint', 'biome', ['check', '.', '--diagnostic-level=error']],
] as const) {
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' })
  if (status === 0) passed++
  else failed++
  console.log(`${title}: ${status === 0 ? 'ok' : 'FAILED'}`)
}

const vitest = await startVitest('test', process.argv.slice(2), { watch: false, reporters: ['default'] })
for (const file of vitest.state.getFiles()) {
  const tests = leaves(file)
  passed += tests.filter(test => test.result?.state === 'pass').length
  failed += tests.filter(test => test.result?.state === 'fail').length
  if (file.result?.state === 'fail' && !tests.some(test => test.result?.state === 'fail')) failed++
}
failed += vitest.state.getUnhandledErrors().length
await vitest.close()

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)

interface Task {
  type: string
  tasks?: Task[]
  result?: { state: string }
}

function leaves(task: unknown): Task[] {
  const { tasks = [] } = task as Task
  return tasks.flatMap(child => (child.type === 'test' ? [child] : leaves(child)))
}
