// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Fn::Sub writes its variables so
import { expect, test } from 'vitest'
import { intrinsicResolver } from '#local/cloud/intrinsics.ts'
import { RefusedTemplate } from '#local/cloud/refused-template.ts'

const resolve = intrinsicResolver(
  {
    Resources: {},
    Mappings: { Sizes: { small: { mib: 128 } } },
    Conditions: {
      Yes: { 'Fn::Equals': [{ Ref: 'Stage' }, 'test'] },
      No: { 'Fn::Not': [{ Condition: 'Yes' }] },
      Both: { 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] },
      Either: { 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] },
    },
  },
  {
    ref: id => ({ Bucket: 'a-bucket' })[id],
    attribute: (id, name) => (id === 'Bucket' && name === 'Arn' ? 'arn:aws:s3:::a-bucket' : undefined),
    parameters: { Stage: 'test', 'AWS::Region': 'us-east-1' },
  },
)

// Expected values: the examples and rules of the CloudFormation reference of intrinsic functions.
test.each<[unknown, unknown]>([
  [{ Ref: 'Bucket' }, 'a-bucket'],
  [{ Ref: 'AWS::Region' }, 'us-east-1'],
  [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, 'arn:aws:s3:::a-bucket'],
  [{ 'Fn::GetAtt': 'Bucket.Arn' }, 'arn:aws:s3:::a-bucket'],
  [{ 'Fn::Join': [':', ['a', { Ref: 'Stage' }, 3]] }, 'a:test:3'],
  [
    { 'Fn::Sub': '${Bucket}/${Bucket.Arn}/${AWS::Region}/${!Literal}' },
    'a-bucket/arn:aws:s3:::a-bucket/us-east-1/${Literal}',
  ],
  [{ 'Fn::Sub': ['${x}-${Stage}', { x: { Ref: 'Bucket' } }] }, 'a-bucket-test'],
  [{ 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
  [{ 'Fn::Select': [0, { 'Fn::Split': ['|', 'a|b|c'] }] }, 'a'],
  [{ 'Fn::FindInMap': ['Sizes', 'small', 'mib'] }, 128],
  [{ 'Fn::Base64': 'frame' }, 'ZnJhbWU='],
  [{ 'Fn::If': ['Yes', 'a', { 'Fn::ImportValue': 'never looked at' }] }, 'a'],
  [[{ 'Fn::If': ['No', 'a', { Ref: 'AWS::NoValue' }] }, 'b'], ['b']],
  [{ a: { Ref: 'AWS::NoValue' }, b: [{ c: { Ref: 'Stage' } }] }, { b: [{ c: 'test' }] }],
  [{ 'Fn::If': ['Both', 1, 2] }, 2],
  [{ 'Fn::If': ['Either', 1, 2] }, 1],
  [
    { Condition: { StringEquals: { 'aws:SourceAccount': 'x' } } },
    { Condition: { StringEquals: { 'aws:SourceAccount': 'x' } } },
  ],
])('%j is %j', (value, expected) => expect(resolve(value, 'here')).toEqual(expected))

test.each<[unknown, RegExp]>([
  [{ Ref: 'Nobody' }, /here: Ref to Nobody/],
  [{ 'Fn::GetAtt': ['Bucket', 'Colour'] }, /Bucket\.Colour/],
  [{ 'Fn::Sub': '${Nobody}' }, /Nobody/],
  [{ 'Fn::Select': [5, ['a']] }, /Fn::Select 5/],
  [{ 'Fn::FindInMap': ['Sizes', 'large', 'mib'] }, /Sizes\.large\.mib/],
  [{ 'Fn::GetAZs': '' }, /Fn::GetAZs is not modelled/],
  [{ 'Fn::If': ['Perhaps', 1, 2] }, /condition Perhaps/],
])('%j is refused', (value, reason) => {
  expect(() => resolve(value, 'here')).toThrow(RefusedTemplate)
  expect(() => resolve(value, 'here')).toThrow(reason)
})
