import type { Assembly } from './assembly.ts'
import { intrinsicResolver } from './intrinsics.ts'
import { RefusedTemplate } from './refused-template.ts'
import { ACCOUNT, physicalName, REGION, type ResourceType, resourceTypes } from './resource-types.ts'
import type { Resolved } from './template.ts'

/** A stack with every intrinsic resolved, split by resource type. */
export interface Stack {
  name: string
  resources: Resolved[]
  outputs: Record<string, string>
  /** Physical name of a resource. */
  physical(logicalId: string): string
  /** ARN of a resource of a type that has one. */
  arn(logicalId: string): string
  ofType(...types: string[]): Resolved[]
}

/** Values that are known only once servers listen. */
export interface Addresses {
  /** URL of a queue (`Ref` on it) by physical name. */
  queueUrl(name: string): string
  /** URL of an `AWS::Lambda::Url`, by its logical id, with the closing slash. */
  functionUrl(logicalId: string): string
}

/**
 * Check an assembly against what the local cloud models, without starting anything.
 *
 * @throws {RefusedTemplate} naming the logical id, type and property that is not modelled
 */
export function checkResources({ template }: Assembly): void {
  if (template.Transform !== undefined) throw new RefusedTemplate('Transform', 'template macros are not modelled')
  for (const [logicalId, { Type, Properties }] of Object.entries(template.Resources)) {
    const where = `${logicalId} (${Type})`
    const type = Object.hasOwn(resourceTypes, Type) ? resourceTypes[Type] : undefined
    if (type === undefined) throw new RefusedTemplate(where, 'this resource type is not modelled')
    if (type.role === 'inert') continue
    for (const property of Object.keys(Properties ?? {})) {
      if (type.acts?.includes(property) || type.inert?.includes(property)) continue
      throw new RefusedTemplate(where, `the property ${property} is not modelled`)
    }
  }
}

/**
 * Resolve a stack: conditions, parameters' defaults, intrinsics, physical names.
 *
 * @param parameters values of template parameters that have no default, or other than it
 * @throws {RefusedTemplate}
 */
export function resolveStack(assembly: Assembly, addresses: Addresses, parameters: Record<string, string>): Stack {
  const { template, stack } = assembly
  const names = new Map<string, string>()

  const known = (logicalId: string): ResourceType | undefined => resourceTypes[template.Resources[logicalId]?.Type]

  const ref = (logicalId: string): string | undefined => {
    const type = known(logicalId)
    if (type === undefined) return undefined
    const name = nameOf(logicalId)
    if (template.Resources[logicalId].Type === 'AWS::SQS::Queue') return addresses.queueUrl(name)
    return type.ref?.(name) ?? name
  }

  const attribute = (logicalId: string, property: string): string | undefined => {
    const resource = template.Resources[logicalId]
    if (resource?.Type === 'AWS::Lambda::Url' && property === 'FunctionUrl') return addresses.functionUrl(logicalId)
    if (resource?.Type === 'AWS::SQS::Queue' && property === 'QueueUrl') return ref(logicalId)
    return known(logicalId)?.attributes?.[property]?.(nameOf(logicalId))
  }

  const resolve = intrinsicResolver(template, {
    ref,
    attribute,
    parameters: {
      ...Object.fromEntries(
        Object.entries(template.Parameters ?? {})
          .map(([name, { Default }]) => [name, parameters[name] ?? Default])
          .filter(([, value]) => value !== undefined),
      ),
      'AWS::AccountId': ACCOUNT,
      'AWS::NotificationARNs': [],
      'AWS::Partition': 'aws',
      'AWS::Region': REGION,
      'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack}/local`,
      'AWS::StackName': stack,
      'AWS::URLSuffix': 'amazonaws.com',
    },
  })

  function nameOf(logicalId: string): string {
    const present = names.get(logicalId)
    if (present !== undefined) return present
    const type = known(logicalId)!
    const given = type.name?.property && template.Resources[logicalId].Properties?.[type.name.property]
    const name = given ? String(resolve(given, logicalId)) : physicalName(stack, logicalId, type)
    if (type.name && !type.name.shape.test(name)) {
      throw new RefusedTemplate(logicalId, `AWS takes no such name: ${JSON.stringify(name)}`)
    }
    names.set(logicalId, name)
    return name
  }

  const holds = (condition: string | undefined, where: string) =>
    condition === undefined || resolve({ Condition: condition }, where) === true

  const resources = Object.entries(template.Resources)
    .filter(([logicalId, { Type, Condition }]) => resourceTypes[Type].role === 'acts' && holds(Condition, logicalId))
    .map(([logicalId, { Type, Properties }]) => ({
      logicalId,
      type: Type,
      properties: resolve(Properties ?? {}, `${logicalId} (${Type})`),
    }))

  const outputs: Record<string, string> = {}
  for (const [name, { Value, Condition }] of Object.entries(template.Outputs ?? {})) {
    if (holds(Condition, `output ${name}`)) outputs[name] = String(resolve(Value, `output ${name}`))
  }

  return {
    name: stack,
    resources,
    outputs,
    physical: nameOf,
    arn: logicalId => known(logicalId)!.arn!(nameOf(logicalId)),
    ofType: (...types) => resources.filter(({ type }) => types.includes(type)),
  }
}
