import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, Billing, type GlobalSecondaryIndexPropsV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { indexes } from './indexes.ts'

/** The one table: points, objects, and the run of every frame. Keys and indexes are described in shared/lightcurve. */
export class LightCurves extends Construct {
  readonly table: TableV2

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const string = (name: string) => ({ name, type: AttributeType.STRING })
    const index = (name: string): GlobalSecondaryIndexPropsV2 => ({
      indexName: name,
      partitionKey: string(`${name}pk`),
      sortKey: string(`${name}sk`),
    })
    this.table = new TableV2(this, 'Table', {
      partitionKey: string('pk'),
      sortKey: string('sk'),
      globalSecondaryIndexes: indexes.map(index),
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
  }
}
