import { RefusedTemplate } from './refused-template.ts'
import type { Template } from './template.ts'

/** What references in a template stand for: the values of Ref and Fn::GetAtt of each resource, and the pseudo parameters. */
export interface References {
  /** Value of `Ref` on a resource, or undefined where there is no such resource. */
  ref(logicalId: string): string | undefined
  /** Value of `Fn::GetAtt`, or undefined where the resource has no such attribute here. */
  attribute(logicalId: string, name: string): string | undefined
  /** Pseudo parameters (`AWS::Region`, …) and template parameters by name. */
  parameters: Readonly<Record<string, unknown>>
}

/** What `AWS::NoValue` resolves to: the property that holds it is left out. */
const NO_VALUE = Symbol('AWS::NoValue')

// biome-ignore lint/suspicious/noExplicitAny: what an intrinsic takes and gives depends on where it stands
type Value = any

type Intrinsic = (argument: Value, resolve: (value: unknown) => Value) => unknown

/**
 * A resolver of CloudFormation intrinsics: gives a copy of a template value in which every intrinsic is replaced by what
 * it stands for.
 *
 * @throws {RefusedTemplate} on a reference to nothing, and on an intrinsic that is not modelled
 */
export function intrinsicResolver(
  template: Template,
  references: References,
): (value: unknown, where: string) => Value {
  let where = 'template'

  const reference = (name: string) => {
    if (name === 'AWS::NoValue') return NO_VALUE
    if (name in references.parameters) return references.parameters[name]
    return (
      references.ref(name) ?? refuse(`Ref to ${name}, which is neither a resource nor a parameter that has a value`)
    )
  }

  const attribute = (logicalId: string, name: string) =>
    references.attribute(logicalId, name) ?? refuse(`Fn::GetAtt ${logicalId}.${name}, which is not modelled`)

  const condition = (name: string): boolean => {
    const expression = template.Conditions?.[name]
    if (expression === undefined) refuse(`the condition ${name} is not in the template`)
    return resolve(expression) === true
  }

  const intrinsics: Record<string, Intrinsic> = {
    Ref: name => reference(name),
    Condition: name => condition(name),
    'Fn::GetAtt': argument => {
      const [logicalId, ...name] = typeof argument === 'string' ? argument.split('.') : argument
      return attribute(logicalId, name.join('.'))
    },
    'Fn::Join': ([separator, parts], resolve) => (resolve(parts) as unknown[]).map(String).join(separator),
    'Fn::Sub': (argument, resolve) => {
      const [text, given] = typeof argument === 'string' ? [argument, {}] : argument
      const variables = resolve(given) as Record<string, unknown>
      return (text as string).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
        if (literal) return `\${${name}}`
        if (name in variables) return String(variables[name])
        const [logicalId, ...path] = name.split('.')
        return String(path.length > 0 ? attribute(logicalId, path.join('.')) : reference(name))
      })
    },
    'Fn::If': ([name, yes, no], resolve) => resolve(condition(name) ? yes : no),
    'Fn::Select': ([index, list], resolve) => {
      const items = resolve(list) as unknown[]
      return items[Number(resolve(index))] ?? refuse(`Fn::Select ${index} of ${items.length} values`)
    },
    'Fn::Split': ([separator, text], resolve) => (resolve(text) as string).split(separator),
    'Fn::FindInMap': ([map, first, second], resolve) => {
      const [a, b, c] = [resolve(map), resolve(first), resolve(second)]
      return template.Mappings?.[a]?.[b]?.[c] ?? refuse(`Fn::FindInMap ${a}.${b}.${c}, which is not in the mappings`)
    },
    'Fn::Base64': (argument, resolve) => Buffer.from(String(resolve(argument))).toString('base64'),
    'Fn::Equals': ([a, b], resolve) => String(resolve(a)) === String(resolve(b)),
    'Fn::Not': ([a], resolve) => !resolve(a),
    'Fn::And': (all: unknown[], resolve) => all.every(resolve),
    'Fn::Or': (any: unknown[], resolve) => any.some(resolve),
  }

  function resolve(value: unknown): Value {
    if (Array.isArray(value)) return value.map(resolve).filter(item => item !== NO_VALUE)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    if (entries.length === 1) {
      const [name, argument] = entries[0]
      if (Object.hasOwn(intrinsics, name) && (name !== 'Condition' || typeof argument === 'string')) {
        return intrinsics[name](argument, resolve)
      }
      if (name.startsWith('Fn::')) refuse(`the intrinsic ${name} is not modelled`)
    }
    return Object.fromEntries(
      entries.map(([key, item]) => [key, resolve(item)]).filter(([, item]) => item !== NO_VALUE),
    )
  }

  function refuse(what: string): never {
    throw new RefusedTemplate(where, what)
  }

  return (value, place) => {
    where = place
    const resolved = resolve(value)
    return resolved === NO_VALUE ? undefined : resolved
  }
}
