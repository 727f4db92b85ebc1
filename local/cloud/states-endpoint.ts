import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Executions, StatesApiError } from './executions.ts'
import { historyOf } from './history.ts'
import type { Run } from './runs.ts'
import type { Properties } from './template.ts'

type Action = (executions: Executions, input: Properties) => unknown

/** The API of Step Functions, as far as it is needed: AWS JSON 1.0 over HTTP. */
const actions: Record<string, Action> = {
  StartExecution: (executions, { stateMachineArn, input, name }) => {
    const run = executions.start(stateMachineArn, input, name)
    return { executionArn: run.arn, startDate: run.startedAt / 1000 }
  },
  DescribeExecution: (executions, { executionArn }) => described(existing(executions, executionArn)),
  ListExecutions: (executions, { stateMachineArn, statusFilter, maxResults = 100, nextToken }) => {
    const name = machineName(executions, stateMachineArn)
    const all = executions
      .list()
      .filter(run => run.machine === name && (statusFilter === undefined || run.status === statusFilter))
    const page = paged(all, maxResults, nextToken)
    return { executions: page.items.map(listed), nextToken: page.nextToken }
  },
  GetExecutionHistory: (executions, { executionArn, reverseOrder, maxResults = 100, nextToken }) => {
    const events = historyOf(existing(executions, executionArn))
    const page = paged(reverseOrder ? events.reverse() : events, maxResults, nextToken)
    return { events: page.items, nextToken: page.nextToken }
  },
  RedriveExecution: (executions, { executionArn }) => {
    executions.redrive(executionArn)
    return { redriveDate: Date.now() / 1000 }
  },
  StopExecution: (executions, { executionArn }) => ({
    stopDate: (executions.abort(executionArn).endedAt ?? Date.now()) / 1000,
  }),
  DescribeStateMachine: (executions, { stateMachineArn }) => {
    const name = machineName(executions, stateMachineArn)
    const { definition } = executions.machine(stateMachineArn)!
    return { stateMachineArn, name, status: 'ACTIVE', type: 'STANDARD', definition: JSON.stringify(definition) }
  },
}

/** Answer requests of a Step Functions client. */
export function statesEndpoint(executions: Executions): RequestListener {
  return (request, response) => void answer(executions, request, response)
}

async function answer(executions: Executions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const action = String(request.headers['x-amz-target'] ?? '').replace(/^AWSStepFunctions\./, '')
  try {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (!Object.hasOwn(actions, action)) {
      throw new StatesApiError('UnknownOperationException', `The local cloud has no ${action} of Step Functions.`)
    }
    send(response, 200, actions[action](executions, JSON.parse(body || '{}')))
  } catch (error) {
    const { name, message } = error as Error
    if (error instanceof StatesApiError) send(response, 400, { __type: name, message })
    else send(response, 500, { __type: 'InternalServerError', message: `${name}: ${message}` })
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
}

function existing(executions: Executions, arn: string): Run {
  const run = executions.get(arn)
  if (run === undefined) throw new StatesApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
  return run
}

function machineName(executions: Executions, arn: string): string {
  const machine = executions.machine(arn)
  if (machine === undefined) {
    throw new StatesApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
  }
  return machine.name
}

function listed(run: Run): object {
  return {
    executionArn: run.arn,
    stateMachineArn: run.arn.replace(':execution:', ':stateMachine:').split(':').slice(0, 7).join(':'),
    name: run.name,
    status: run.status,
    startDate: run.startedAt / 1000,
    ...(run.endedAt !== undefined && { stopDate: run.endedAt / 1000 }),
    redriveCount: run.redriveCount,
  }
}

function described(run: Run): object {
  return {
    ...listed(run),
    input: JSON.stringify(run.input),
    inputDetails: { included: true },
    ...(run.status === 'SUCCEEDED' && {
      output: JSON.stringify(run.output ?? null),
      outputDetails: { included: true },
    }),
    ...(run.error !== undefined && { error: run.error, cause: run.cause }),
  }
}

function paged<T>(all: T[], size: number, token: string | undefined): { items: T[]; nextToken?: string } {
  const from = Number(token ?? 0)
  const to = from + Math.min(size || 100, 1000)
  return { items: all.slice(from, to), ...(to < all.length && { nextToken: String(to) }) }
}
