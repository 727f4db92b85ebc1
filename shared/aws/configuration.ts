/** The value of an environment variable; a function that lacks one says which and stops. */
export function fromEnvironment(variable: string): string {
  const value = process.env[variable]
  if (!value) throw new Error(`The environment variable ${variable} is not set.`)
  return value
}
