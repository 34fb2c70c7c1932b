module sealring-second

go 1.27
