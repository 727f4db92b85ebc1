import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns'
import type { Notice } from '#events/notice.ts'
import { CpcsError } from '#shared/errors.ts'
import { attributesOf } from './notice.ts'

/** Where notices go, seen by the record stage. */
export interface Notices {
  /** @throws {CpcsError} NoticeUndelivered */
  publish(notice: Notice): Promise<void>
}

/** An SNS topic as the place where notices go. */
export class NoticeTopic implements Notices {
  readonly #client: SNSClient
  readonly #arn: string

  constructor(client: SNSClient, arn: string) {
    this.#client = client
    this.#arn = arn
  }

  async publish(notice: Notice): Promise<void> {
    try {
      await this.#client.send(
        new PublishCommand({
          TopicArn: this.#arn,
          Message: JSON.stringify(notice),
          MessageAttributes: attributesOf(notice),
        }),
      )
    } catch (error) {
      throw new CpcsError('NoticeUndelivered', { cause: String(error) }, { cause: error })
    }
  }
}
