module sealring-second

go 1.26
