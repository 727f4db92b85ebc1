import { ExecutionAlreadyExists, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { stepFunctions } from './clients.ts'

/**
 * Start an execution of a state machine under a name of ours. One that is there already, running or ended, is as good:
 * the same name means the same work.
 */
export async function startExecution(
  machineArn: string,
  name: string,
  input: object,
): Promise<'started' | 'there already'> {
  try {
    await stepFunctions().send(
      new StartExecutionCommand({ stateMachineArn: machineArn, name, input: JSON.stringify(input) }),
    )
    return 'started'
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists || (error as Error).name === 'ExecutionAlreadyExists')
      return 'there already'
    throw error
  }
}
