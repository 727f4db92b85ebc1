import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'

const guarded: BucketProps = {
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  removalPolicy: RemovalPolicy.RETAIN,
  lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(3) }],
}

/** Raw frames come into the inbox, everything made of them goes to products, reference catalogues lie in tiles. */
export class Buckets extends Construct {
  readonly inbox: Bucket
  readonly products: Bucket
  readonly tiles: Bucket

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...guarded,
      lifecycleRules: [{ expiration: Duration.days(90) }],
    })
    const logged = (name: string, props: BucketProps = {}) =>
      new Bucket(this, name, {
        ...guarded,
        ...props,
        serverAccessLogsBucket: accessLogs,
        serverAccessLogsPrefix: `${name.toLowerCase()}/`,
      })
    this.inbox = logged('Inbox')
    // a newer version of the pipeline writes its files over those of an older one: the bucket keeps what stood there
    this.products = logged('Products', { versioned: true })
    this.tiles = logged('Tiles')
  }
}
