/** A local cloud in a process of its own, to be killed: prints its outputs and environment when it is up. */
import { startCloud } from '#local/cloud/cloud.ts'

const [assembly, stateFolder] = process.argv.slice(2)
const cloud = await startCloud({ assembly, stateFolder })
console.log(JSON.stringify({ outputs: cloud.outputs, environment: cloud.environment }))
