import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { CpcsStack, featureFlags } from '#infra/stack.ts'

/** The stack with a stand-in for the code of its functions, so that nothing needs to be bundled. */
export function stackUnderTest(): { app: App; stack: CpcsStack } {
  const app = new App({ context: featureFlags, outdir: mkdtempSync(join(tmpdir(), 'cpcs-synth-')) })
  return { app, stack: new CpcsStack(app, 'Cpcs', { code: () => Code.fromAsset(import.meta.dirname) }) }
}

/** The template of the stack. */
export function templateUnderTest(): Template {
  return Template.fromStack(stackUnderTest().stack)
}

/**
 * A state machine of a template, with `Ref` and `Fn::GetAtt` replaced by ARNs that name their resource.
 *
 * @param startAt name of its first state
 */
export function machineIn(template: Template, startAt = 'Standardise') {
  const machines = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
  const machine = machines.find(({ Properties }) =>
    JSON.stringify(Properties.DefinitionString).includes(`StartAt\\":\\"${startAt}\\"`),
  )
  if (!machine) throw new Error(`no state machine starts at ${startAt}`)
  const [separator, parts] = machine.Properties.DefinitionString['Fn::Join'] as [string, unknown[]]
  return JSON.parse(parts.map(part => (typeof part === 'string' ? part : arnOf(part))).join(separator))
}

function arnOf(intrinsic: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = intrinsic as { Ref?: string; 'Fn::GetAtt'?: [string, string] }
  if (Ref === 'AWS::Partition') return 'aws'
  return `arn:aws:lambda:eu-central-1:123456789012:function:${Ref ?? attribute?.[0]}`
}
