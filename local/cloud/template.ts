/** The parts of a CloudFormation template that the local cloud reads. */
export interface Template {
  Parameters?: Record<string, { Type: string; Default?: unknown }>
  Mappings?: Record<string, Record<string, Record<string, unknown>>>
  Conditions?: Record<string, unknown>
  Resources: Record<string, Resource>
  Outputs?: Record<string, { Value: unknown; Condition?: string; Description?: string }>
  Transform?: unknown
}

export interface Resource {
  Type: string
  Properties?: Record<string, unknown>
  Condition?: string
  Metadata?: Record<string, unknown>
  [attribute: string]: unknown
}

/** Properties of a resource as a template or a request gives them: whatever its type wants. */
// biome-ignore lint/suspicious/noExplicitAny: the shape depends on the type of the resource
export type Properties = Record<string, any>

/** A resource with its intrinsics resolved: plain values only. */
export interface Resolved {
  logicalId: string
  type: string
  properties: Properties
}
