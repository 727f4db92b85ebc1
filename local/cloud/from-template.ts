import { existsSync, statSync } from 'node:fs'
import type { Assembly } from './assembly.ts'
import type { Mapping } from './event-source.ts'
import type { MachineDescription } from './executions.ts'
import type { Cors } from './function-url.ts'
import { LambdaFunction, type LogLine } from './functions.ts'
import { RefusedTemplate } from './refused-template.ts'
import type { Stack } from './stack.ts'
import type { Machine } from './states-language.ts'
import type { Template } from './template.ts'

/**
 * The Lambda functions of a stack by physical name, none started yet.
 *
 * @param environment variables that every function gets beside the template's
 * @throws {RefusedTemplate} another runtime than Node.js, code that is no asset of the assembly
 */
export function lambdaFunctions(
  stack: Stack,
  assembly: Assembly,
  environment: Record<string, string>,
  onLog: (line: LogLine) => void,
): Map<string, LambdaFunction> {
  const functions = new Map<string, LambdaFunction>()
  for (const { logicalId, type, properties } of stack.ofType('AWS::Lambda::Function')) {
    const where = `${logicalId} (${type})`
    const name = stack.physical(logicalId)
    const { Runtime, Handler, MemorySize = 128, Timeout = 3, Environment, ReservedConcurrentExecutions } = properties
    if (!/^nodejs\d+\.x$/.test(Runtime ?? ''))
      throw new RefusedTemplate(where, `the runtime ${Runtime} is not modelled`)
    if (MemorySize < 128 || MemorySize > 10_240) throw new RefusedTemplate(where, `AWS gives no ${MemorySize} MiB`)
    if (Timeout < 1 || Timeout > 900) throw new RefusedTemplate(where, `AWS gives no time-out of ${Timeout} s`)
    const variables = (Environment?.Variables ?? {}) as Record<string, string>
    checkVariables(where, variables)
    const description = {
      name,
      arn: stack.arn(logicalId),
      code: codeFolder(where, assembly, properties.Code),
      handler: Handler,
      memoryMiB: MemorySize,
      timeoutSeconds: Timeout,
      ...(ReservedConcurrentExecutions !== undefined && { concurrency: Math.min(2, ReservedConcurrentExecutions) }),
      environment: {
        // What the SDK looks for on a machine must not be found: the function sees the template and the endpoints.
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_EXECUTION_ENV: `AWS_Lambda_${Runtime}`,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MemorySize),
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        TZ: ':UTC',
        _HANDLER: Handler,
        ...variables,
        ...environment,
      },
    }
    functions.set(name, new LambdaFunction(description, onLog))
  }
  return functions
}

/** Most that the variables of a function may hold, bytes of names and values. */
const MAX_VARIABLES_BYTES = 4096

/** What AWS refuses of a function's variables. */
function checkVariables(where: string, variables: Record<string, string>): void {
  for (const name of Object.keys(variables)) {
    if (
      /^(AWS_(REGION|DEFAULT_REGION|ACCESS_KEY|SECRET|SESSION_TOKEN|LAMBDA_|EXECUTION_ENV)|_HANDLER|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)/.test(
        name,
      )
    ) {
      throw new RefusedTemplate(where, `Lambda keeps the variable ${name} for itself`)
    }
  }
  const bytes = Buffer.byteLength(Object.entries(variables).flat().join(''))
  if (bytes > MAX_VARIABLES_BYTES) throw new RefusedTemplate(where, `AWS takes no ${bytes} bytes of variables`)
}

function codeFolder(where: string, assembly: Assembly, code: { S3Key?: string }): string {
  const hash = /^([0-9a-f]+)\.zip$/.exec(code?.S3Key ?? '')?.[1]
  const folder = hash && assembly.asset(hash)
  if (!folder || !existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new RefusedTemplate(where, 'its code is no folder among the assets of the assembly')
  }
  return folder
}

/**
 * The queues that feed functions.
 *
 * @throws {RefusedTemplate} another source than a queue of the stack
 */
export function mappingsOf(
  stack: Stack,
  findFunction: (arnOrName: string) => LambdaFunction | undefined,
  queueUrl: (name: string) => string,
): Mapping[] {
  const queues = stack.ofType('AWS::SQS::Queue').map(({ logicalId }) => stack.arn(logicalId))
  return stack.ofType('AWS::Lambda::EventSourceMapping').flatMap(({ logicalId, type, properties }) => {
    const where = `${logicalId} (${type})`
    const target = findFunction(properties.FunctionName)
    const queueArn = properties.EventSourceArn as string
    if (!queues.includes(queueArn)) throw new RefusedTemplate(where, `${queueArn} is no queue of the stack`)
    if (target === undefined) throw new RefusedTemplate(where, `there is no function ${properties.FunctionName}`)
    checkVisibility(stack, where, queueArn, target)
    if (properties.Enabled === false) return []
    return {
      queueUrl: queueUrl(queueArn.split(':').at(-1)!),
      queueArn,
      function: target,
      batchSize: properties.BatchSize ?? 10,
      reportsItemFailures: (properties.FunctionResponseTypes ?? []).includes('ReportBatchItemFailures'),
      concurrency: properties.ScalingConfig?.MaximumConcurrency ?? 1000,
    }
  })
}

/** AWS refuses a mapping whose queue shows a message again before the function's time is over. */
function checkVisibility(stack: Stack, where: string, queueArn: string, target: LambdaFunction): void {
  const queue = stack.ofType('AWS::SQS::Queue').find(({ logicalId }) => stack.arn(logicalId) === queueArn)!
  const visibility = Number(queue.properties.VisibilityTimeout ?? 30)
  const { timeoutSeconds } = target.description
  if (visibility < timeoutSeconds) {
    const words = `the queue's visibility timeout (${visibility} s) is below the function's time-out (${timeoutSeconds} s)`
    throw new RefusedTemplate(where, words)
  }
}

/** The state machines of a stack, their definitions resolved. @throws {RefusedTemplate} Express machines */
export function machinesOf(stack: Stack): MachineDescription[] {
  return stack.ofType('AWS::StepFunctions::StateMachine').map(({ logicalId, type, properties }) => {
    if (properties.StateMachineType === 'EXPRESS') {
      throw new RefusedTemplate(`${logicalId} (${type})`, 'Express state machines are not modelled')
    }
    const substitutions = (properties.DefinitionSubstitutions ?? {}) as Record<string, string>
    const text = (properties.DefinitionString ?? JSON.stringify(properties.Definition)) as string
    const definition = text.replace(/\$\{(\w+)\}/g, (whole, name: string) => substitutions[name] ?? whole)
    return { name: stack.physical(logicalId), arn: stack.arn(logicalId), definition: JSON.parse(definition) as Machine }
  })
}

/** Logical ids of the Function URLs. */
export function functionUrlIds(template: Template): string[] {
  return Object.keys(template.Resources).filter(logicalId => template.Resources[logicalId].Type === 'AWS::Lambda::Url')
}

/** The functions behind Function URLs. @throws {RefusedTemplate} streamed answers, a function of another stack */
export function functionUrlsOf(
  stack: Stack,
  findFunction: (arnOrName: string) => LambdaFunction | undefined,
): { logicalId: string; target: LambdaFunction; cors?: Cors }[] {
  return stack.ofType('AWS::Lambda::Url').map(({ logicalId, type, properties }) => {
    const where = `${logicalId} (${type})`
    const { InvokeMode, TargetFunctionArn, Cors } = properties
    if (InvokeMode === 'RESPONSE_STREAM') throw new RefusedTemplate(where, 'streamed answers are not modelled')
    const target = findFunction(TargetFunctionArn)
    if (target === undefined) throw new RefusedTemplate(where, `there is no function ${TargetFunctionArn}`)
    return { logicalId, target, cors: Cors }
  })
}
