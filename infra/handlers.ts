/** The Lambda functions: one folder of `functions/` each, except `outcome`, which is the second handler of `record`. */
export const handlers = {
  intake: { file: 'functions/intake/handler.ts', memoryMiB: 512, timeoutSeconds: 120 },
  standardise: { file: 'functions/standardise/handler.ts', memoryMiB: 2048, timeoutSeconds: 120 },
  solve: { file: 'functions/solve/handler.ts', memoryMiB: 3008, timeoutSeconds: 300 },
  measure: { file: 'functions/measure/handler.ts', memoryMiB: 3008, timeoutSeconds: 600 },
  calibrate: { file: 'functions/calibrate/handler.ts', memoryMiB: 2048, timeoutSeconds: 300 },
  prefetch: { file: 'functions/prefetch/handler.ts', memoryMiB: 1024, timeoutSeconds: 600 },
  record: { file: 'functions/record/handler.ts', memoryMiB: 512, timeoutSeconds: 60 },
  outcome: { file: 'functions/record/outcome.handler.ts', memoryMiB: 512, timeoutSeconds: 60 },
  api: { file: 'functions/api/handler.ts', memoryMiB: 1024, timeoutSeconds: 30 },
} as const

export type HandlerName = keyof typeof handlers
