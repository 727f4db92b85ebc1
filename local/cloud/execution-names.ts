/** Characters that a name of an execution may not have, as the API of Step Functions lists them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is forbidden
const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]/u

/** Whether Step Functions takes the name for an execution: 1 to 80 characters, none of the forbidden ones. */
export function isExecutionName(name: string): boolean {
  return name.length >= 1 && name.length <= 80 && !FORBIDDEN.test(name)
}
