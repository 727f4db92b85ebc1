import { createHash } from 'node:crypto'

/** Account and region of the local cloud: what the emulators answer with, so that every ARN in the template is true here. */
export const ACCOUNT = '000000000000'
export const REGION = 'us-east-1'

/** How the local cloud deals with a resource type. */
export interface ResourceType {
  /** `acts`: it exists here. `inert`: it is accepted and does nothing here; `why` says what that means. */
  readonly role: 'acts' | 'inert'
  readonly why?: string
  /** Properties with an effect here. */
  readonly acts?: readonly string[]
  /** Properties that are accepted though they change nothing here. Any property in neither list is refused. */
  readonly inert?: readonly string[]
  /** Property that names the resource, and the name's longest length and shape. */
  readonly name?: { property?: string; max: number; shape: RegExp; lower?: boolean }
  /** ARN by physical name. */
  readonly arn?: (name: string) => string
  /** `Ref`, where it is not the physical name. */
  readonly ref?: (name: string) => string
  /** `Fn::GetAtt` by attribute name. */
  readonly attributes?: Readonly<Record<string, (name: string) => string>>
}

const arn = (service: string, rest: (name: string) => string) => (name: string) =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest(name)}`

const queueArn = arn('sqs', name => name)
const topicArn = arn('sns', name => name)
const functionArn = arn('lambda', name => `function:${name}`)
const machineArn = arn('states', name => `stateMachine:${name}`)
const tableArn = arn('dynamodb', name => `table/${name}`)
const bucketArn = (name: string) => `arn:aws:s3:::${name}`
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`

const permission = 'permissions are not checked here: a missing grant shows only on AWS'
const watching = 'nothing is watched here'

/** The types that exist here: everything else in {@link resourceTypes} is accepted and does nothing. */
const acting: Record<string, ResourceType> = {
  'AWS::S3::Bucket': {
    role: 'acts',
    acts: ['BucketName', 'NotificationConfiguration', 'VersioningConfiguration'],
    inert: [
      'AccessControl',
      'BucketEncryption',
      'CorsConfiguration',
      'IntelligentTieringConfigurations',
      'LifecycleConfiguration',
      'LoggingConfiguration',
      'OwnershipControls',
      'PublicAccessBlockConfiguration',
      'Tags',
    ],
    name: { property: 'BucketName', max: 63, shape: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, lower: true },
    arn: bucketArn,
    attributes: {
      Arn: bucketArn,
      DomainName: name => `${name}.s3.amazonaws.com`,
      RegionalDomainName: name => `${name}.s3.${REGION}.amazonaws.com`,
    },
  },
  'Custom::S3BucketNotifications': {
    role: 'acts',
    acts: ['BucketName', 'NotificationConfiguration'],
    inert: ['Managed', 'ServiceToken', 'SkipDestinationValidation'],
  },
  'AWS::SQS::Queue': {
    role: 'acts',
    acts: [
      'DelaySeconds',
      'MaximumMessageSize',
      'MessageRetentionPeriod',
      'QueueName',
      'ReceiveMessageWaitTimeSeconds',
      'RedrivePolicy',
      'VisibilityTimeout',
    ],
    inert: ['KmsDataKeyReusePeriodSeconds', 'KmsMasterKeyId', 'RedriveAllowPolicy', 'SqsManagedSseEnabled', 'Tags'],
    name: { property: 'QueueName', max: 80, shape: /^[A-Za-z0-9_-]{1,80}$/ },
    arn: queueArn,
    attributes: { Arn: queueArn, QueueName: name => name },
  },
  'AWS::SNS::Topic': {
    role: 'acts',
    acts: ['Subscription', 'TopicName'],
    inert: ['DeliveryStatusLogging', 'DisplayName', 'KmsMasterKeyId', 'SignatureVersion', 'Tags', 'TracingConfig'],
    name: { property: 'TopicName', max: 256, shape: /^[A-Za-z0-9_-]{1,256}$/ },
    arn: topicArn,
    ref: topicArn,
    attributes: { TopicArn: topicArn, TopicName: name => name },
  },
  'AWS::SNS::Subscription': {
    role: 'acts',
    acts: ['Endpoint', 'FilterPolicy', 'FilterPolicyScope', 'Protocol', 'RawMessageDelivery', 'TopicArn'],
    inert: ['Region'],
  },
  'AWS::DynamoDB::Table': table(['ProvisionedThroughput', 'SSESpecification', 'PointInTimeRecoverySpecification']),
  'AWS::DynamoDB::GlobalTable': table([
    'Replicas',
    'SSESpecification',
    'WriteOnDemandThroughputSettings',
    'WriteProvisionedThroughputSettings',
  ]),
  'AWS::Lambda::Function': {
    role: 'acts',
    acts: ['Code', 'Environment', 'FunctionName', 'Handler', 'MemorySize', 'PackageType', 'Runtime', 'Timeout'].concat(
      'ReservedConcurrentExecutions',
    ),
    inert: [
      'Architectures', // the host's processor runs it
      'Description',
      'EphemeralStorage',
      'KmsKeyArn',
      'LoggingConfig',
      'RecursiveLoop',
      'Role',
      'RuntimeManagementConfig',
      'Tags',
      'TracingConfig',
    ],
    name: { property: 'FunctionName', max: 64, shape: /^[A-Za-z0-9_-]{1,64}$/ },
    arn: functionArn,
    attributes: { Arn: functionArn },
  },
  'AWS::Lambda::EventSourceMapping': {
    role: 'acts',
    acts: ['BatchSize', 'Enabled', 'EventSourceArn', 'FunctionName', 'FunctionResponseTypes', 'ScalingConfig'],
    inert: ['MaximumBatchingWindowInSeconds', 'MetricsConfig', 'Tags'],
  },
  'AWS::Lambda::Url': {
    role: 'acts',
    acts: ['Cors', 'InvokeMode', 'TargetFunctionArn'],
    inert: ['AuthType'], // no caller is checked here
    ref: name => functionArn(name),
  },
  'AWS::StepFunctions::StateMachine': {
    role: 'acts',
    acts: ['Definition', 'DefinitionString', 'DefinitionSubstitutions', 'StateMachineName', 'StateMachineType'],
    inert: ['EncryptionConfiguration', 'LoggingConfiguration', 'RoleArn', 'Tags', 'TracingConfiguration'],
    name: { property: 'StateMachineName', max: 80, shape: /^[A-Za-z0-9_-]{1,80}$/ },
    arn: machineArn,
    ref: machineArn,
    attributes: { Arn: machineArn, Name: name => name },
  },
}

function table(inert: string[]): ResourceType {
  return {
    role: 'acts',
    acts: ['AttributeDefinitions', 'BillingMode', 'GlobalSecondaryIndexes', 'KeySchema', 'TableName'],
    inert: ['DeletionProtectionEnabled', 'Tags', 'TimeToLiveSpecification', ...inert], // nothing expires here
    name: { property: 'TableName', max: 255, shape: /^[A-Za-z0-9_.-]{3,255}$/ },
    arn: tableArn,
    attributes: { Arn: tableArn },
  }
}

const inert = (why: string, more: Partial<ResourceType> = {}): ResourceType => ({ role: 'inert', why, ...more })

/** Every resource type that a template may have here. */
export const resourceTypes: Readonly<Record<string, ResourceType>> = {
  ...acting,
  'AWS::CDK::Metadata': inert('tells AWS which constructs were used'),
  'AWS::CloudWatch::Alarm': inert(watching, { attributes: { Arn: arn('cloudwatch', name => `alarm:${name}`) } }),
  'AWS::CloudWatch::CompositeAlarm': inert(watching, { attributes: { Arn: arn('cloudwatch', n => `alarm:${n}`) } }),
  'AWS::CloudWatch::Dashboard': inert(watching),
  'AWS::IAM::ManagedPolicy': inert(permission, { ref: name => `arn:aws:iam::${ACCOUNT}:policy/${name}` }),
  'AWS::IAM::Policy': inert(permission),
  'AWS::IAM::Role': inert(permission, { attributes: { Arn: roleArn } }),
  'AWS::KMS::Alias': inert('nothing is encrypted here'),
  'AWS::KMS::Key': inert('nothing is encrypted here', { attributes: { Arn: arn('kms', name => `key/${name}`) } }),
  'AWS::Lambda::EventInvokeConfig': inert('it concerns asynchronous invocations, of which there are none here'),
  'AWS::Lambda::Permission': inert(permission),
  'AWS::Logs::LogGroup': inert('logs go to the `log` event', {
    attributes: { Arn: arn('logs', name => `log-group:${name}:*`) },
  }),
  'AWS::Logs::MetricFilter': inert(watching),
  'AWS::Logs::QueryDefinition': inert(watching),
  'AWS::Logs::ResourcePolicy': inert(permission),
  'AWS::S3::BucketPolicy': inert(permission),
  'AWS::Scheduler::Schedule': inert('no clock starts anything here: start its machine by hand'),
  'AWS::SNS::TopicPolicy': inert(permission),
  'AWS::SQS::QueuePolicy': inert(permission),
  'Custom::S3AutoDeleteObjects': inert('it concerns the deletion of the stack'),
}

/**
 * Physical name of a resource that the template does not name: deterministic, so that a kept state folder is found
 * again (AWS appends a random part).
 */
export function physicalName(stack: string, logicalId: string, type: ResourceType): string {
  const max = type.name?.max ?? 128
  const name = `${stack}-${logicalId}`.replaceAll(/[^A-Za-z0-9-]/g, '-')
  const short =
    name.length <= max
      ? name
      : `${name.slice(0, max - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
  return type.name?.lower ? short.toLowerCase() : short
}
