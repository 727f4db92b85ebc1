/**
 * The template asks for something that the local cloud does not model. Thrown before anything is started: a stack that
 * half works here would say nothing about the stack on AWS.
 */
export class RefusedTemplate extends Error {
  /** Logical id of the resource, or what else in the template it is about. */
  readonly where: string

  /**
   * @param where logical id and type of the resource, or the part of the template
   * @param what what is not modelled, and what to do instead where that is known
   */
  constructor(where: string, what: string) {
    super(`The local cloud refuses this template: ${where}: ${what}`)
    this.name = 'RefusedTemplate'
    this.where = where
  }
}
