import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { s3 } from './clients.ts'

const VALID_SECONDS = 900

/** An address from which anyone who has it may fetch the object for a quarter of an hour. */
export function signedGet(bucket: string, key: string): Promise<string> {
  return getSignedUrl(s3(), new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: VALID_SECONDS })
}

/** An address to which anyone who has it may put the object for a quarter of an hour. */
export function signedPut(bucket: string, key: string): Promise<string> {
  return getSignedUrl(s3(), new PutObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: VALID_SECONDS })
}
