import { Logger } from '@aws-lambda-powertools/logger'
import type { Log } from '#shared/store.ts'

/** The logger of the function: one JSON line a message, its keys set per invocation. */
export const logger = new Logger()

/** The same logger as stages see it. */
export const log: Log = {
  debug: (message, details = {}) => logger.debug(message, details),
  info: (message, details = {}) => logger.info(message, details),
  warn: (message, details = {}) => logger.warn(message, details),
}
