import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { startCloud } from '#local/cloud/cloud.ts'
import { RefusedTemplate } from '#local/cloud/refused-template.ts'
import { checkDefinition, type Machine } from '#local/cloud/states-language.ts'
import type { Template } from '#local/cloud/template.ts'
import { definitionString, smallFunctions, smallTemplate, writeAssembly } from './small-stack.ts'

/** What starting the cloud with a changed template says; the cloud must not start. */
async function refusal(change: (template: Template) => void): Promise<string> {
  const template = smallTemplate()
  change(template)
  const assembly = writeAssembly(template, smallFunctions)
  try {
    const cloud = await startCloud({ assembly })
    await cloud.stop()
    return 'not refused'
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedTemplate)
    return (error as Error).message
  } finally {
    rmSync(assembly, { recursive: true, force: true })
  }
}

describe('a template is refused, with the logical id and the reason, for', () => {
  const properties = (template: Template, id: string) => template.Resources[id].Properties as Record<string, unknown>

  test.each<[string, (template: Template) => void, RegExp]>([
    [
      'a resource type that is not modelled',
      ({ Resources }) => void (Resources.Rule = { Type: 'AWS::Events::Rule' }),
      /Rule \(AWS::Events::Rule\): this resource type is not modelled/,
    ],
    [
      'a property that is not modelled',
      template => void (properties(template, 'Worker').VpcConfig = {}),
      /Worker \(AWS::Lambda::Function\): the property VpcConfig is not modelled/,
    ],
    [
      'a queue in order',
      template => void (template.Resources.Alerts.Properties = { FifoQueue: true }),
      /Alerts \(AWS::SQS::Queue\): the property FifoQueue is not modelled/,
    ],
    [
      'an intrinsic that is not modelled',
      template => void (properties(template, 'Worker').Description = { 'Fn::ImportValue': 'x' }),
      /Worker .*Fn::ImportValue is not modelled/,
    ],
    [
      'a reference to nothing',
      template => void (properties(template, 'Worker').Description = { Ref: 'Nothing' }),
      /Worker .*Ref to Nothing/,
    ],
    [
      'an attribute that a resource has not here',
      template => void (properties(template, 'Worker').Description = { 'Fn::GetAtt': ['Table', 'StreamArn'] }),
      /Worker .*Table\.StreamArn/,
    ],
    ['a parameter without value', template => void (template.Parameters!.Stage = { Type: 'String' }), /Ref to Stage/],
    ['macros', template => void (template.Transform = 'AWS::Serverless-2016-10-31'), /Transform/],
    [
      'notifications to a function',
      template =>
        void (properties(template, 'Inbox').NotificationConfiguration = { LambdaConfigurations: [{ Function: 'x' }] }),
      /Inbox .*LambdaConfigurations/,
    ],
    [
      'notifications of other events than creation',
      template =>
        void (properties(template, 'Inbox').NotificationConfiguration = {
          QueueConfigurations: [{ Event: 's3:ObjectRemoved:*', Queue: 'x' }],
        }),
      /Inbox .*s3:ObjectRemoved:\* is not modelled/,
    ],
    [
      'a subscription by mail',
      template => void Object.assign(properties(template, 'Subscription'), { Protocol: 'email', Endpoint: 'a@b' }),
      /Subscription.* subscriptions by email/,
    ],
    [
      'another runtime',
      template => void (properties(template, 'Worker').Runtime = 'python3.13'),
      /Worker .*runtime python3\.13/,
    ],
    [
      'code in the template',
      template => void (properties(template, 'Worker').Code = { ZipFile: 'exports.handler = 1' }),
      /Worker .*no folder among the assets/,
    ],
    [
      'a queue that shows messages again too soon, as AWS does',
      template => void (properties(template, 'Arrivals').VisibilityTimeout = 5),
      /Mapping .*visibility timeout \(5 s\) is below the function's time-out \(10 s\)/,
    ],
    [
      'a name that AWS does not take',
      template => void (properties(template, 'Inbox').BucketName = 'With_Underscore'),
      /Inbox: AWS takes no such name/,
    ],
    [
      'an Express machine',
      template => void (properties(template, 'Machine').StateMachineType = 'EXPRESS'),
      /Machine .*Express/,
    ],
    [
      'a machine in JSONata',
      template =>
        void (properties(template, 'Machine').DefinitionString = definitionString({
          QueryLanguage: 'JSONata',
          StartAt: 'A',
          States: { A: { Type: 'Succeed' } },
        })),
      /Small-Machine: QueryLanguage: JSONata/,
    ],
    [
      'a machine with a step into nothing',
      template =>
        void (properties(template, 'Machine').DefinitionString = definitionString({
          StartAt: 'A',
          States: { A: { Type: 'Pass', Next: 'Nowhere' } },
        })),
      /Small-Machine: State machine definition is invalid[\s\S]*Nowhere/,
    ],
    [
      'a variable that Lambda keeps for itself',
      template => void (properties(template, 'Worker').Environment = { Variables: { AWS_REGION: 'x' } }),
      /Worker .*keeps the variable AWS_REGION/,
    ],
    [
      'more variables than Lambda takes',
      template => void (properties(template, 'Worker').Environment = { Variables: { A: 'x'.repeat(4096) } }),
      /Worker .*4097 bytes of variables/,
    ],
    [
      'streamed answers',
      template => void (properties(template, 'PagesUrl').InvokeMode = 'RESPONSE_STREAM'),
      /PagesUrl \(AWS::Lambda::Url\): streamed answers/,
    ],
  ])('%s', async (_, change, reason) => expect(await refusal(change)).toMatch(reason))

  test('a folder that is no assembly', async () => {
    await expect(startCloud({ assembly: import.meta.dirname })).rejects.toThrow(/no synthesised assembly/)
  })
})

describe('a state machine is refused, with state and field, for', () => {
  const task = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true }
  const pass = { Type: 'Pass', End: true }
  const map = (state: object, more: object = {}) => ({
    Type: 'Map',
    End: true,
    ItemProcessor: { StartAt: 'Inner', States: { Inner: state }, ...more },
  })

  test.each<[string, object, RegExp]>([
    ['JSONata in a state', { ...pass, QueryLanguage: 'JSONata' }, /state A: QueryLanguage: JSONata/],
    ['variables', { ...pass, Assign: { 'x.$': '$' } }, /state A: Assign/],
    ['an item reader', { ...map(pass), ItemReader: {} }, /state A: ItemReader/],
    ['an item batcher', { ...map(pass), ItemBatcher: {} }, /state A: ItemBatcher/],
    ['a distributed Map', map(pass, { ProcessorConfig: { Mode: 'DISTRIBUTED' } }), /distributed Map/],
    ['heartbeats', { ...task, HeartbeatSeconds: 5 }, /HeartbeatSeconds/],
    ['waiting for a job', { ...task, Resource: 'arn:aws:states:::glue:startJobRun.sync' }, /\.sync is not modelled/],
    [
      'waiting for a token',
      { ...task, Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' },
      /\.waitForTaskToken is not modelled/,
    ],
    ['an unknown integration', { ...task, Resource: 'arn:aws:states:::batch:submitJob' }, /no such integration/],
    ['the state in the context object', { ...task, Parameters: { 'a.$': '$$.State.Name' } }, /\$\$\.State\.Name/],
    ['the task token', { ...task, Parameters: { 'a.$': "States.Format('{}', $$.Task.Token)" } }, /\$\$\.Task\.Token/],
    ['paths to several values', { ...pass, Parameters: { 'a.$': '$.stars[*].x' } }, /\$\.stars\[\*\]\.x/],
    ['paths that search', { ...pass, InputPath: '$..x' }, /several values/],
    ['paths that filter', { ...pass, Parameters: { 'a.$': '$.stars[?(@.x > 1)]' } }, /several values/],
    ['an empty Result', { ...pass, Result: 0 }, /empty Result/],
    [
      'the input of the run inside a Map',
      map({ ...pass, Parameters: { 'a.$': '$$.Execution.Input.b' } }),
      /inside a Map/,
    ],
    ['a definition that is too long', { ...pass, Comment: 'x'.repeat(1 << 20) }, /no definition of \d+ bytes/],
    ['what is refused, also inside a Map', map({ ...pass, Assign: {} }), /state A, state Inner: Assign/],
  ])('%s', (_, state, reason) => {
    const machine = { StartAt: 'A', States: { A: state } } as unknown as Machine
    expect(() => checkDefinition('Machine', machine)).toThrow(RefusedTemplate)
    expect(() => checkDefinition('Machine', machine)).toThrow(reason)
  })

  test('nothing that is interpreted as on AWS', () => {
    const machine = {
      QueryLanguage: 'JSONPath',
      StartAt: 'A',
      States: {
        A: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Parameters: {
            'a.$': "States.Format('{} costs $5', $.x['a b'][0])",
            'b.$': '$$.Execution.Name',
            c: '$..no path',
          },
          ResultSelector: { 'p.$': '$.Payload' },
          ResultPath: '$.r',
          Next: 'B',
        },
        B: { Type: 'Choice', Choices: [{ Variable: '$.r', StringMatches: 'a*', Next: 'C' }], Default: 'C' },
        C: { ...map(pass), ItemsPath: '$.r', ItemSelector: { 'v.$': '$$.Map.Item.Value', 'e.$': '$$.Execution.Id' } },
      },
    } as unknown as Machine
    expect(() => checkDefinition('Machine', machine)).not.toThrow()
  })
})
