import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { HandlerCode } from './bundle.ts'
import { Handler } from './handler.ts'

interface ApiProps {
  code: HandlerCode
  inbox: Bucket
  products: Bucket
  table: ITable
}

/**
 * The pages and their JSON, one function behind a Function URL. The URL asks for signed requests (IAM): registering a
 * target changes what the telescopes' frames are measured for. To open the pages to the public, put CloudFront with an
 * origin access control before it and let through GET alone.
 */
export class Api extends Construct {
  readonly handler: Handler
  readonly url: string

  constructor(scope: Construct, id: string, { code, inbox, products, table }: ApiProps) {
    super(scope, id)
    this.handler = new Handler(this, 'api', code)
      .reads(products, 'products/', 'PRODUCTS_BUCKET', 'The pages show the products of any frame.')
      .writes(
        inbox,
        '',
        'INBOX_BUCKET',
        'It signs addresses to which telescopes put frames below prefixes of their own.',
      )
      .uses(table, ['GetItem', 'Query'], ['FRAME#', 'NIGHTS', 'OBJ#'])
      .uses(table, ['PutItem', 'UpdateItem'], ['OBJ#'])
      .queries(table, 'listing')
      .queries(table, 'failed')
    this.url = this.handler.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url
  }
}
