/** `pyairtable:postgresql` of a stack in AWS. @param image by digest */
export function awsPostgresql(image: string) {
  return {
    in: "aws",
    image,
    storageGi: 20,
    instanceClass: "db.m7g.large",
    vpc: "vpc-1",
    subnets: ["subnet-1", "subnet-2"],
    subnetCidrs: ["10.0.1.0/24"],
    clients: ["sg-1"],
    alarmTopic: "arn:aws:sns:eu-central-1:123456789012:alarms",
  };
}
